"""A run as it goes on: redrawn in place on a terminal, a line now and then anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Literal, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from raysim.report.numbers import count, digits, elapsed, seconds, share, usd
from raysim.report.sparkline import History

ViewMode = Literal["live", "plain", "none"]

#: seconds between two lines of the plain view
PLAIN_EVERY_S = 5.0
#: run time that one bar of a sparkline stands for
_BAR_S = 1.0
_BARS = 40
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at one moment. Times in seconds, money in USD, rates per second over the last few seconds.

    Args:
        run_id: the run's id.
        scenario: the scenario's name.
        state: a word, such as `running` or `draining`; empty while users are set up or removed.
        phase: name of the current phase; empty outside of phases.
        phase_index: its place among the phases, from 0; -1 outside of phases.
        phase_count: how many phases there are.
        elapsed_s: since the run's start.
        left_s: until the last phase ends; None when that is not known.
        target_users: users that are to be active now.
        active_users: users that are.
        ready_users: users that have been set up.
        lost_users: users whose actors died.
        requests: ended so far.
        requests_per_s: ended lately.
        errors: requests that failed so far; refusals and cancellations apart.
        refused: requests that the platform refused for a good reason (rate limit, budget, quota).
        ttft_p50_s: median time to first token; None before the first.
        ttft_p95_s: its 95th percentile.
        cost_usd: spent so far.
        limit_usd: the most that may be spent; None without a limit.
        tokens_per_s: tokens generated lately.
        backends: how the backends are whose metrics pages are read; empty when there are none.
        message: what is going on besides, or instead when there is no state.
    """

    run_id: str
    scenario: str
    state: str = ""
    phase: str = ""
    phase_index: int = -1
    phase_count: int = 0
    elapsed_s: float = 0.0
    left_s: float | None = None
    target_users: int = 0
    active_users: int = 0
    ready_users: int = 0
    lost_users: int = 0
    requests: int = 0
    requests_per_s: float = 0.0
    errors: int = 0
    refused: int = 0
    ttft_p50_s: float | None = None
    ttft_p95_s: float | None = None
    cost_usd: float = 0.0
    limit_usd: float | None = None
    tokens_per_s: float = 0.0
    backends: str = ""
    message: str = ""


class View(Protocol):
    """Something that shows a run; to be used as a context manager."""

    def show(self, view: RunView) -> None:
        """The run is now like this. May be called as often as one likes."""

    def note(self, text: str) -> None:
        """A milestone, such as `12 of 12 users ready in 3.1 s`: a line that stays."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_view(mode: ViewMode, console: Console) -> View:
    """The view for `mode`; `live` needs a terminal and is `plain` without one."""
    match mode:
        case "live" if console.is_terminal and not console.is_dumb_terminal:
            return LiveView(console)
        case "none":
            return NoView()
        case _:
            return PlainView(console)


class NoView:
    """Shows nothing."""

    def show(self, view: RunView) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Nothing to close."""


class PlainView:
    """A line every five seconds, when the phase or the state changes, and for each note.

    Args:
        console: where to.
        clock: seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._clock = clock
        self._stage: tuple[str, str] | None = None
        self._printed_s = 0.0

    def show(self, view: RunView) -> None:
        """Print a line if it is time for one."""
        now_s, stage = self._clock(), (view.state, view.phase)
        if stage == self._stage and now_s - self._printed_s < PLAIN_EVERY_S:
            return
        self._stage, self._printed_s = stage, now_s
        self.note(line(view))

    def note(self, text: str) -> None:
        """Print `text` as a line of its own."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Nothing to close."""


class LiveView:
    """A panel that is redrawn in place; notes scroll by above it. It is gone when the view closes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._rates, self._ttft = History(_BARS), History(_BARS)
        self._last_bar_s = -_BAR_S

    def show(self, view: RunView) -> None:
        """Redraw."""
        if view.phase and view.elapsed_s - self._last_bar_s >= _BAR_S:
            self._last_bar_s = view.elapsed_s
            self._rates.append(view.requests_per_s)
            self._ttft.append(view.ttft_p50_s)
        self._live.update(panel(view, str(self._rates), str(self._ttft)), refresh=True)

    def note(self, text: str) -> None:
        """Print `text` above the panel."""
        self._console.print(text, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._live.stop()


def line(view: RunView) -> str:
    """`view` in one line, such as a log has."""
    if not view.state:
        return view.message or "waiting"
    if not view.phase:
        return "  ".join(filter(None, (_clock(view), view.state, f"{count(view.requests)} requests", view.message)))
    parts = [
        f"{view.phase} {view.phase_index + 1}/{view.phase_count}"
        + (f" ({view.state})" if view.state != "running" else ""),
        f"users {view.active_users}/{view.target_users}",
        f"{count(view.requests)} requests",
        f"{digits(view.requests_per_s)}/s",
        f"errors {count(view.errors)}",
        f"TTFT p50 {seconds(view.ttft_p50_s)}",
        f"p95 {seconds(view.ttft_p95_s)}",
        _money(view),
    ]
    if view.refused:
        parts.insert(5, f"refused {count(view.refused)}")
    if view.lost_users:
        parts.append(f"lost users {view.lost_users}")
    return "  ".join([_clock(view), *parts])


def panel(view: RunView, rates: str, ttft: str) -> Group:
    """`view` as a few lines: where the run is, then who is active, how fast, how well, at what price."""
    head = Text.assemble((view.scenario, "bold"), (f"  {view.run_id}", "dim"), f"  {view.state or view.message}")
    if not view.state:
        return Group(Text(), head)
    if view.phase:
        head.append(f"  {view.phase} ({view.phase_index + 1} of {view.phase_count})", "cyan")
    body = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False, width=_WIDTH)
    body.add_column(style="dim", width=9)
    body.add_column(width=44, no_wrap=True)
    body.add_column(style="green", no_wrap=True, ratio=1)
    body.add_row("time", _time_bar(view), _time(view))
    body.add_row("users", _users(view))
    body.add_row("requests", _requests(view), rates)
    body.add_row("TTFT", f"p50 {seconds(view.ttft_p50_s)}  p95 {seconds(view.ttft_p95_s)}", ttft)
    body.add_row("tokens", f"{digits(view.tokens_per_s)} per s")
    body.add_row("cost", _money(view))
    if view.backends:
        body.add_row("backends", view.backends)
    return Group(Text(), head, body, Text(view.message, "yellow"))


def _clock(view: RunView) -> str:
    return f"[{elapsed(max(0.0, view.elapsed_s)):>6}]"


def _time(view: RunView) -> Text:
    text = elapsed(max(0.0, view.elapsed_s))
    return Text(text if view.left_s is None else f"{text}, {elapsed(view.left_s)} left", "default")


def _time_bar(view: RunView) -> ProgressBar:
    done = max(0.0, view.elapsed_s)
    total = done + view.left_s if view.left_s is not None and done + view.left_s > 0 else None
    return ProgressBar(total=total or 1.0, completed=done if total else 0.0, width=40)


def _users(view: RunView) -> Text:
    text = Text(f"{count(view.active_users)} of {count(view.target_users)} active, {count(view.ready_users)} ready")
    if view.lost_users:
        text.append(f", {count(view.lost_users)} lost", "red")
    return text


def _requests(view: RunView) -> Text:
    text = Text(f"{count(view.requests)}  {digits(view.requests_per_s)} per s  ")
    text.append(f"{count(view.errors)} failed", "red" if view.errors else "")
    if view.refused:
        text.append(f"  {count(view.refused)} refused", "yellow")
    return text


def _money(view: RunView) -> str:
    if not view.limit_usd:
        return usd(view.cost_usd)
    return f"{usd(view.cost_usd)} of {usd(view.limit_usd)} ({share(view.cost_usd / view.limit_usd)})"
