"""`raysim questions`: what users will ask, to look at."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click
import orjson

from raysim.config_file import load_scenario
from raysim.core.behaviour.conversation import estimate_tokens
from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.questions import MIXED, STRATEGIES, TEMPLATE, QuestionWalk
from raysim.core.errors import ConfigError, Problem
from raysim.core.ids import default_seed, new_run_id
from raysim.core.plan.build import build_plan
from raysim.core.rng import Stream

#: lines that are written at once
_CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class _Asking:
    """Whose questions to show: of all `users`, or of `only` one of them.

    `organisations` holds each user's, when there is a scenario; `strategies` pairs each with its weight.
    """

    seed: int
    users: int
    only: int | None
    turns: int
    strategies: tuple[tuple[str, float], ...]
    templates: tuple[CustomTemplate, ...] = ()
    organisations: tuple[str, ...] = ()

    def lines(self) -> Iterator[bytes]:
        """JSON lines without end: the users take turns, each with the questions of one conversation."""
        names, weights = zip(*self.strategies, strict=True)
        asked = range(self.users) if self.only is None else (self.only,)
        walks = [QuestionWalk(self.seed, user, self.users, templates=self.templates) for user in asked]
        numbers = [0] * len(walks)
        choice = Stream.of(self.seed, "questions-shown", -1 if self.only is None else self.only)
        option = orjson.OPT_APPEND_NEWLINE
        while True:
            for place, (user, walk) in enumerate(zip(asked, walks, strict=True)):
                wanted = names[0] if len(names) == 1 else names[choice.weighted(weights)]
                for turn in range(1, self.turns + 1):
                    question, strategy = walk.next(wanted, follow_up=turn > 1)
                    line: dict[str, str | int] = {"question": question, "strategy": strategy}
                    line |= {"tokens": estimate_tokens(question), "user": user, "number": numbers[place]}
                    if self.turns > 1:
                        line["turn"] = turn
                    if self.organisations:
                        line["org"] = self.organisations[user]
                    numbers[place] += 1
                    yield orjson.dumps(line, option=option)


@click.command("questions")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option("--strategy", metavar="NAME", help=f"{', '.join((*STRATEGIES, MIXED))}, or {TEMPLATE} with CONFIG.")
@click.option("--count", type=click.IntRange(0), default=20, show_default=True, help="How many questions.")
@click.option("--seed", type=click.IntRange(0), help="What they are made from; another one each time by default.")
@click.option("--users", type=click.IntRange(1), help="How many users share the questions (1, or CONFIG's).")
@click.option(
    "--user", type=click.IntRange(0), metavar="K", help="Only those of user K, from 0; all users' by default."
)
@click.option("--turns", type=click.IntRange(1), default=1, help="Questions in each conversation (1).")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a value below CONFIG's spec.")
@click.option("--name", help="Which scenario, when CONFIG holds several.")
def command(  # noqa: PLR0917 - click passes options by name
    config: Path | None,
    strategy: str | None,
    count: int,
    seed: int | None,
    users: int | None,
    user: int | None,
    turns: int,
    overrides: tuple[str, ...],
    name: str | None,
) -> None:
    """Print questions as JSON lines: each with its strategy, its estimated tokens, its user and its number there.

    With CONFIG they are those of its users: its strategies by weight, its own templates, its seed if it has one.
    """
    if config is None and (overrides or name):
        raise ConfigError([Problem("--set" if overrides else "--name", "belongs to CONFIG, which is missing")])
    chosen = _strategy(strategy, config=config is not None)
    asking = _of_nobody(seed, users) if config is None else _of_scenario(config, name, overrides, seed, users)
    if chosen is not None:
        asking = replace(asking, strategies=((chosen, 1.0),))
    if TEMPLATE in dict(asking.strategies) and not asking.templates:
        raise ConfigError(
            [Problem("--strategy", "template has nothing to ask: CONFIG has no advanced.questionTemplates")]
        )
    if user is not None and user >= asking.users:
        raise ConfigError([Problem("--user", f"found {user}; expected 0 to {asking.users - 1}")])
    click.echo(f"seed {asking.seed}", err=True)
    _print(islice(replace(asking, only=user, turns=turns).lines(), count))


def _strategy(name: str | None, *, config: bool) -> str | None:
    """The strategy that was asked for. Raises ConfigError for one that does not exist here."""
    if name is None:
        return None if config else MIXED
    known = (*STRATEGIES, MIXED, *((TEMPLATE,) if config else ()))
    if name not in known:
        hint = "" if config else f"; {TEMPLATE} needs CONFIG"
        raise ConfigError([Problem("--strategy", f"found {name!r}; expected one of {', '.join(known)}{hint}")])
    return name


def _of_nobody(seed: int | None, users: int | None) -> _Asking:
    return _Asking(_fresh_seed() if seed is None else seed, users or 1, None, 1, ((MIXED, 1.0),))


def _of_scenario(
    config: Path, name: str | None, overrides: tuple[str, ...], seed: int | None, users: int | None
) -> _Asking:
    if users is not None:
        raise ConfigError([Problem("--users", "comes from CONFIG; change it with --set users.perOrg.max=N")])
    scenario = load_scenario(config, name=name, overrides=overrides, environ=os.environ).scenario
    run_id = new_run_id(_now(), secrets.randbits(64))
    plan = build_plan(scenario, run_id, started=_now())
    return _Asking(
        seed=plan.seed if seed is None else seed,
        users=len(plan.users),
        only=None,
        turns=1,
        strategies=plan.behaviour.strategies,
        templates=plan.behaviour.templates,
        organisations=tuple(user.org_name for user in plan.users),
    )


def _fresh_seed() -> int:
    """The seed that a run started now would have."""
    return default_seed(new_run_id(_now(), secrets.randbits(64)))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _print(lines: Iterator[bytes]) -> None:
    """Write `lines`; whoever reads them may stop before the end, as `head` does."""
    try:
        while chunk := b"".join(islice(lines, _CHUNK)):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # the interpreter flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
