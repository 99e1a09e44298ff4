from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from raysim.report.live import LiveView, NoView, PlainView, RunView, line, open_view, panel
from raysim.report.sparkline import History

RUNNING = RunView(
    run_id="run-1",
    scenario="sample",
    state="running",
    phase="sustained",
    phase_index=1,
    phase_count=3,
    elapsed_s=65.0,
    left_s=30.0,
    target_users=12,
    active_users=11,
    ready_users=12,
    requests=1234,
    requests_per_s=20.25,
    errors=3,
    ttft_p50_s=0.0421,
    ttft_p95_s=1.2,
    cost_usd=0.5,
    limit_usd=5.0,
    tokens_per_s=900.0,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    environment = {"TERM": "xterm"} if terminal else {}
    return Console(file=out, width=100, force_terminal=terminal, _environ=environment), out


def test_a_line_says_it_all() -> None:
    assert line(RUNNING) == (
        "[ 1m05s]  sustained 2/3  users 11/12  1,234 requests  20.2/s  errors 3  TTFT p50 42.1 ms  p95 1.20 s  "
        "$0.500 of $5.00 (10.0%)"
    )


def test_a_line_names_what_is_unusual() -> None:
    text = line(replace(RUNNING, state="draining", refused=4, lost_users=2))
    assert "sustained 2/3 (draining)" in text
    assert "refused 4" in text
    assert text.endswith("lost users 2")


def test_a_line_outside_of_phases() -> None:
    assert line(replace(RUNNING, phase="", state="draining")) == "[ 1m05s]  draining  1,234 requests"
    assert line(replace(RUNNING, phase="", state="", message="starting actors: 1 of 3")) == "starting actors: 1 of 3"


def test_plain_prints_every_five_seconds_and_on_changes() -> None:
    target, out = console()
    clock = Clock()
    with PlainView(target, clock) as view:
        for step in range(12):
            clock.now_s += 1.0
            view.show(replace(RUNNING, elapsed_s=float(step)))
        view.show(replace(RUNNING, elapsed_s=12.0, phase="cooldown", phase_index=2))
        view.show(replace(RUNNING, elapsed_s=12.1, phase="cooldown", phase_index=2))
        view.show(replace(RUNNING, elapsed_s=12.2, phase="cooldown", phase_index=2, state="draining"))
    stamps = [text[1:7].strip() for text in out.getvalue().splitlines()]
    assert stamps == ["0.0s", "5.0s", "10s", "12s", "12s"]


def test_plain_does_not_break_lines_or_read_markup() -> None:
    target, out = console()
    with PlainView(target) as view:
        view.note("lost [bold]user-1[/bold] " + "x" * 150)
    assert out.getvalue() == "lost [bold]user-1[/bold] " + "x" * 150 + "\n"


def test_live_redraws_and_leaves_only_notes() -> None:
    target, out = console(terminal=True)
    with LiveView(target) as view:
        for second in range(5):
            view.show(replace(RUNNING, elapsed_s=float(second)))
        view.note("12 of 12 users ready in 3.1 s")
        view.show(RUNNING)
    text = out.getvalue()
    assert "12 of 12 users ready in 3.1 s\n" in text
    assert "11 of 12 active, 12 ready" in text
    assert text.rstrip().endswith("\x1b[2K")


def test_the_panel_fits_and_shows_trouble() -> None:
    target, out = console()
    target.print(panel(replace(RUNNING, lost_users=2, refused=7, message="orders are late"), "▁▂▃", "▃▂▁"))
    text = out.getvalue()
    for piece in ("sustained (2 of 3)", "2 lost", "7 refused", "▁▂▃", "1m05s, 30s left", "orders are late", "10.0%"):
        assert piece in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_panel_before_the_run() -> None:
    target, out = console()
    target.print(panel(RunView("run-1", "sample", message="starting actors: 1 of 3"), "", ""))
    assert out.getvalue().split("\n")[1] == "sample  run-1  starting actors: 1 of 3"


@pytest.mark.parametrize(
    ("mode", "terminal", "kind"),
    [
        ("live", True, LiveView),
        ("live", False, PlainView),
        ("plain", True, PlainView),
        ("none", True, NoView),
    ],
)
def test_live_needs_a_terminal(mode: str, terminal: bool, kind: type) -> None:
    target, _ = console(terminal=terminal)
    assert type(open_view(mode, target)) is kind  # type: ignore[arg-type]  # one of the three


def test_none_shows_nothing() -> None:
    with NoView() as view:
        view.show(RUNNING)
        view.note("ready")


def test_a_sparkline_rises_with_its_values() -> None:
    history = History(4)
    assert str(history) == ""
    for value in (9.0, 0.0, None, 4.0, 8.0):
        history.append(value)
    assert str(history) == "▁ ▅█"
