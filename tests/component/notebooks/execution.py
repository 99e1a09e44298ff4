"""Executes notebooks as they are committed: plain Python in one namespace, as no Jupyter is needed for it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import polars as pl

FOLDER = Path(__file__).parents[3] / "notebooks"


def cells(name: str) -> list[dict[str, Any]]:
    document = json.loads((FOLDER / f"{name}.ipynb").read_text())
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    found: list[dict[str, Any]] = document["cells"]
    return found


def executed(name: str) -> dict[str, Any]:
    """The names that a notebook's cells leave behind. There is no screen; what polars and charts were set to is undone.

    The last expression of each cell is shown and each chart is drawn, as Jupyter does.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    plt.switch_backend("Agg")
    try:
        with pl.Config():
            for cell in cells(name):
                if cell["cell_type"] == "code":
                    _execute("".join(cell["source"]), f"{name}:{cell['id']}", names)
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
    finally:
        plt.close("all")
    return names


def _execute(source: str, place: str, names: dict[str, Any]) -> None:
    *body, last = ast.parse(source).body
    if not isinstance(last, ast.Expr):
        body.append(last)
    exec(compile(ast.Module(body, []), place, "exec"), names)  # noqa: S102 - what is tested
    if isinstance(last, ast.Expr):
        repr(eval(compile(ast.Expression(last.value), place, "eval"), names))  # noqa: S307 - what is tested
