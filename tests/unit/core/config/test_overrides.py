from __future__ import annotations

from typing import Any

import pytest

from raysim.core.config.overrides import Override, apply, parse_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("limits.maxCostUsd", ("spec", "limits", "maxCostUsd")),
        ("spec.limits.maxCostUsd", ("spec", "limits", "maxCostUsd")),
        ("metadata.testRunId", ("metadata", "testRunId")),
        ("loadPattern.phases[0].duration", ("spec", "loadPattern", "phases", "0", "duration")),
        ("loadPattern.phases.0.duration", ("spec", "loadPattern", "phases", "0", "duration")),
        ("loadPattern.phases[warm-up].duration", ("spec", "loadPattern", "phases", "warm-up", "duration")),
        ("models[gpt-3.5-turbo].contextWindow", ("spec", "models", "gpt-3.5-turbo", "contextWindow")),
    ],
)
def test_paths_are_read(text: str, steps: tuple[str, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["", ".", "a..b", "a.", "a[", "a[]", "a]b", "a[b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a path"):
        parse_path(text)


def changed(document: dict[str, Any], path: str, value: object) -> str:
    _, problem = apply(document, Override(parse_path(path), value, "set by a test"))
    return "" if problem is None else str(problem)


def test_values_replace_and_add() -> None:
    document: dict[str, Any] = {"spec": {"limits": {"maxCostUsd": 1}, "metrics": None}}
    assert changed(document, "limits.maxCostUsd", 5) == ""
    assert changed(document, "metrics.labels.team", "a") == ""
    assert changed(document, "metadata.name", "x") == ""
    assert document == {
        "spec": {"limits": {"maxCostUsd": 5}, "metrics": {"labels": {"team": "a"}}},
        "metadata": {"name": "x"},
    }


def test_elements_are_found_by_name_and_by_index() -> None:
    items: list[dict[str, Any]] = [{"model": "a"}, {"model": "b"}]
    document: dict[str, Any] = {"spec": {"items": items}}
    assert changed(document, "items[b].weight", 2) == ""
    assert changed(document, "items.0.weight", 1) == ""
    assert items == [{"model": "a", "weight": 1}, {"model": "b", "weight": 2}]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("items[c].weight", "spec.items: has no 'c'; expected an index from 0 to 0 or a name (a)"),
        ("items[1].weight", "spec.items: has no '1'"),
        ("empty[0].weight", "spec.empty: is an empty list in the file"),
        ("number.deep", "spec.number: is a single value"),
    ],
)
def test_what_cannot_be_set_is_said(path: str, says: str) -> None:
    document: dict[str, Any] = {"spec": {"items": [{"name": "a"}], "empty": [], "number": 5}}
    assert changed(document, path, 1).startswith(says)
