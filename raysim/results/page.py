"""A run as one page of HTML, from its files."""

from __future__ import annotations

from pathlib import Path

from raysim.core.errors import ConfigError, Problem
from raysim.report.html.page import html_text
from raysim.report.html.pieces import RunPieces
from raysim.results.run import Run
from raysim.results.unfinished import summary_of
from raysim.whole_file import whole_file


def write_page(run: Run, path: Path) -> None:
    """Write the page of `run` to `path`, whole or not at all; of an unfinished run, what there is.

    Raises:
        ConfigError: its files cannot be read, or nothing can be written there.
        RaysimError: the charting library is not installed.
    """
    load = run.load()
    text = html_text(
        RunPieces(
            summary=summary_of(run),
            requests=run.requests(),
            events=run.events,
            scenario_text=run.scenario_text,
            load=None if load is None else load.collect(),
            backends=run.backends(),
        )
    )
    try:
        with whole_file(path, synced=False, shared=True) as file:
            file.write(text.encode())
    except OSError as error:
        raise ConfigError([Problem("--html", f"{path} cannot be written: {error.strerror}")]) from error
