from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from raysim.cli.questions import command
from raysim.core.behaviour.questions import MIXED, STRATEGIES
from raysim.core.errors import ConfigError

CONFIG = str(Path(__file__).parents[3] / "configs" / "quickstart.yaml")
OWN = (
    *("--set", "advanced.questionTemplates=[{text: 'Ticket {n: 1..9000}, {tone}?', variables: {tone: [calm, angry]}}]"),
    *("--set", "userBehavior.questionStrategies=[{name: template, weight: 3}, {name: technical}]"),
)


def lines(*arguments: str) -> list[dict[str, object]]:
    shown = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert shown.exit_code == 0
    return [json.loads(line) for line in shown.stdout.splitlines()]


@pytest.mark.parametrize("strategy", [*STRATEGIES, MIXED])
def test_questions_are_json_lines(strategy: str) -> None:
    found = lines("--strategy", strategy, "--count", "30", "--seed", "4")
    assert [line["number"] for line in found] == list(range(30))
    assert {line["user"] for line in found} == {0}
    assert {line["strategy"] for line in found} <= ({strategy} if strategy != MIXED else set(STRATEGIES))
    assert len({line["question"] for line in found}) == 30
    assert all(line["tokens"] == -(-len(str(line["question"])) // 4) + 4 for line in found)


def test_the_seed_decides_and_is_another_one_each_time() -> None:
    assert lines("--seed", "1") == lines("--seed", "1")
    questions = [{line["question"] for line in lines(*seed)} for seed in (("--seed", "1"), ("--seed", "2"), (), ())]
    assert len(set.union(*questions)) == sum(map(len, questions)) == 80


def test_strategies_and_mixed_of_one_seed_have_nothing_in_common() -> None:
    found = [line["question"] for name in (*STRATEGIES, MIXED) for line in lines("--strategy", name, "--seed", "9")]
    assert len(set(found)) == len(found) == 6 * 20


def test_users_take_turns_and_one_can_be_looked_at() -> None:
    found = lines("--users", "5", "--count", "20", "--seed", "1", "--strategy", "technical")
    assert [line["user"] for line in found] == [0, 1, 2, 3, 4] * 4
    alone = lines("--users", "5", "--user", "3", "--count", "4", "--seed", "1", "--strategy", "technical")
    assert alone == [line for line in found if line["user"] == 3]


def test_conversations_have_turns() -> None:
    found = lines("--turns", "3", "--count", "9", "--strategy", "historical")
    assert [line["turn"] for line in found] == [1, 2, 3] * 3


def test_a_scenarios_users_ask_its_questions() -> None:
    found = lines(CONFIG, "--count", "48", *OWN)
    assert {line["org"] for line in found} == {"org-1", "org-2"}
    assert {line["strategy"] for line in found} == {"template", "technical"}
    assert {line["user"] for line in found} == set(range(12))
    only = lines(CONFIG, "--strategy", "template", *OWN)
    assert all(str(line["question"]).startswith("Ticket ") for line in only)
    assert len(lines(CONFIG, "--seed", "3")) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strategy", "poetic"), "expected one of historical, mathematical, geographical, hypothetical, technical"),
        (("--strategy", "template"), "template needs CONFIG"),
        ((CONFIG, "--strategy", "template"), "template has nothing to ask"),
        (("--users", "3", "--user", "3"), "--user: found 3; expected 0 to 2"),
        ((CONFIG, "--users", "3"), "--users: comes from CONFIG"),
        (("--set", "a=1"), "--set: belongs to CONFIG"),
        (("--name", "a"), "--name: belongs to CONFIG"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert message in str(refused.value)


def test_whoever_reads_may_stop_early() -> None:
    source = [sys.executable, "-m", "raysim", "questions", "--count", "1000000"]
    with subprocess.Popen(source, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
        code = running.wait()
    assert json.loads(first)["number"] == 0
    assert (code, said.startswith("seed "), len(said.splitlines())) == (0, True, 1)
