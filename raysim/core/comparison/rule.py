"""Rules on changes, such as `ttft_p99>+10%`: how they are written, and whether two runs break them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from raysim.core.comparison.change import Change, needed_to_find
from raysim.core.comparison.metric import METRICS, Metric, Unit

_RULE = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\[\s*(?P<column>\w+)\s*=\s*(?P<name>[^\]]+?)\s*\])?\s*(?P<side>[<>])"
    r"\s*(?P<sign>[+-]?)(?P<money>\$?)(?P<amount>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>%|pp|ms|us|s|/s)?\s*"
)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
#: what a rule may be about the requests of
COLUMNS = ("model", "org")
_FORM = "a rule is METRIC>+CHANGE or METRIC<-CHANGE, such as 'ttft_p99>+10%' or 'output_tokens_per_s<-5%'"


@dataclass(frozen=True, slots=True)
class Rule:
    """A change that is not wanted: of `metric`, by more than `amount` in its unit, or, when `relative`, as a ratio.

    `amount` is negative for a change downwards. `column` and `name` say of whose requests, such as `model`, `gpt-4o`;
    empty for all.
    """

    text: str
    metric: Metric
    amount: float
    relative: bool
    column: str = ""
    name: str = ""


def parse_rule(text: str) -> Rule:
    """The rule that `text` says.

    Raises:
        ValueError: it says none; the message says what would be valid.
    """
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(f"cannot read {text!r}: {_FORM}")
    metric = METRICS.get(found["metric"])
    if metric is None:
        near = get_close_matches(found["metric"], METRICS, 1)
        meant = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(METRICS)}"
        raise ValueError(f"no figure is called {found['metric']!r} in {text!r}{meant}")
    if found["column"] and found["column"] not in COLUMNS:
        raise ValueError(f"{text!r}: figures can be taken of a {' or an '.join(COLUMNS)}, not of a {found['column']}")
    up = found["side"] == ">"
    if found["sign"] != ("+" if up else "-"):
        raise ValueError(
            f"{text!r}: a change has a sign, '>' goes with '+' and '<' with '-', such as "
            f"{metric.name}{found['side']}{'+' if up else '-'}{found['amount']}{found['unit'] or ''}"
        )
    amount, relative = _amount(metric, float(found["amount"]), found["money"] + (found["unit"] or ""), text)
    if relative and not up and amount >= 1.0:
        raise ValueError(f"{text!r}: nothing can fall by {amount:.0%} or more")
    return Rule(text.strip(), metric, amount if up else -amount, relative, found["column"] or "", found["name"] or "")


def _amount(metric: Metric, number: float, unit: str, text: str) -> tuple[float, bool]:
    """The change in the metric's unit or as a ratio, and whether it is the latter."""
    if metric.unit is Unit.SHARE:
        if unit != "pp":
            raise ValueError(f"{text!r}: changes of {metric.name} are percentage points, such as {number:g}pp")
        return number / 100.0, False
    if unit == "%":
        return number / 100.0, True
    valid = {Unit.SECONDS: _SECONDS, Unit.PER_SECOND: {"/s": 1.0}, Unit.USD: {"$": 1.0}}[metric.unit]
    if unit not in valid:
        known = ", ".join(f"${number:g}" if name == "$" else f"{number:g}{name}" for name in valid)
        raise ValueError(f"{text!r}: changes of {metric.name} are {number:g}% or {known}")
    return number * valid[unit], False


class Outcome(StrEnum):
    """What became of a rule."""

    #: a change as large as the rule's is ruled out
    HELD = "held"
    #: nothing speaks for such a change, but it is not ruled out
    UNDECIDED = "undecided"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A rule, the change that it was held against, and what came of it.

    `needed` is how many requests of each run would find a change as large as the rule's in four cases of five; None
    when the rule is decided, or nobody can tell.
    """

    rule: Rule
    change: Change
    outcome: Outcome
    needed: int | None = None


def judge_rule(rule: Rule, change: Change) -> RuleVerdict:
    """Hold `rule` against `change`, whose `sure` intervals are those of the family of all rules.

    Broken: the change is beyond the rule's, and by the interval not chance. Held: the interval does not reach the
    rule's change. A figure that the run lacks and the baseline has breaks every rule: there were no such answers.
    """
    if change.run is None:
        return RuleVerdict(rule, change, Outcome.BROKEN)
    value, interval = (change.relative, change.sure) if rule.relative else (change.difference, change.sure_difference)
    if value is None or interval is None:
        return RuleVerdict(rule, change, Outcome.UNDECIDED, change.needed)
    # turned so that a larger change is always the unwanted one
    turn = math.copysign(1.0, rule.amount)
    low, high = sorted((turn * interval[0], turn * interval[1]))
    if turn * value > abs(rule.amount) and low > 0.0:
        return RuleVerdict(rule, change, Outcome.BROKEN)
    if high <= abs(rule.amount):
        return RuleVerdict(rule, change, Outcome.HELD)
    worth = (
        rule.amount
        if rule.relative or change.metric.unit is Unit.SHARE or not change.baseline
        else (rule.amount / change.baseline)
    )
    return RuleVerdict(rule, change, Outcome.UNDECIDED, needed_to_find(change, worth))
