from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from raysim.core.behaviour.distributions import Distribution
from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.prompts import PromptPlan
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.core.rng import Stream
from raysim.users.attempt import Question
from raysim.users.questioner import Questioner, Thought
from tests.component.users.stage import flat, make_behaviour, make_brief

CHAT = EndpointPlan(weight=6.0)
COMPLETIONS = EndpointPlan("completions", 3.0, path="/v1/completions")
ORGS = EndpointPlan("orgs", 1.0, "GET", "/v1/orgs/{org_id}")
NEVER = EndpointPlan("embeddings", 0.0, path="/v1/embeddings")


def questioner(user: int = 0, **behaviour: object) -> Questioner:
    brief = make_brief("http://127.0.0.1:1", 50, make_behaviour(**behaviour))
    plan = brief.pack.users[user]
    return Questioner(brief, plan, Stream.of(plan.seed, "behaviour", 0))


def counted(question: Question, tokens: int, source: str = "usage") -> RequestRecord:
    """The record of a question whose prompt the platform counted."""
    names = ("r", "t", question.conversation_id, "org-1", "user-1", "w", "p", "chat", "m", question.strategy)
    return RequestRecord(*names, token_source=source, prompt_tokens=tokens)


def test_endpoints_come_by_weight() -> None:
    endpoints = (CHAT, COMPLETIONS, NEVER, ORGS)
    drawn = Counter(str(one.endpoint().kind) for one in _users(endpoints) for _ in range(100))
    assert "embeddings" not in drawn
    expected = {"chat": 3000, "completions": 1500, "orgs": 500}
    # 99.9 % of fair draws stay below, with two degrees of freedom
    assert sum((drawn[kind] - count) ** 2 / count for kind, count in expected.items()) < 13.8


def _users(endpoints: tuple[EndpointPlan, ...]) -> list[Questioner]:
    return [questioner(user, endpoints=endpoints) for user in range(50)]


def test_what_stands_alone_has_the_shared_start_before_its_context() -> None:
    prompts = PromptPlan(target=Distribution("uniform", 500.0, 500.0), shared_prefix_tokens=100)
    one, other = (questioner(user, endpoints=(COMPLETIONS,), prompts=prompts, system_prompt="Hi.") for user in (0, 1))
    first, second = one.question(COMPLETIONS, None), other.question(COMPLETIONS, None)
    assert first.ask.question[:300] == second.ask.question[:300]
    assert first.ask.question[500:] != second.ask.question[500:]
    # the system prompt is a message, and this is none
    assert "Hi." not in first.ask.question
    assert (first.turns_sent, first.conversation_id, first.prompt_target_tokens) == (ABSENT, "", 500)


def test_a_call_without_a_question_has_no_length() -> None:
    prompts = PromptPlan(target=Distribution("uniform", 500.0, 500.0))
    question = questioner(endpoints=(ORGS,), prompts=prompts).question(ORGS, None)
    assert (question.ask.question, question.question_hash, question.prompt_estimate) == ("", 0, 0)
    assert question.prompt_target_tokens == ABSENT


@pytest.mark.parametrize(("source", "length"), [("usage", 1250), ("tokenizer", 1250), ("chunks", 1000)])
def test_what_the_platform_counted_corrects_the_next_prompt(source: str, length: int) -> None:
    mine = questioner(prompts=PromptPlan(target=Distribution("uniform", 1000.0, 1000.0)))
    first = mine.question(CHAT, mine.new_conversation())
    mine.learn(first, counted(first, round(first.prompt_estimate * 0.8), source))
    second = mine.question(CHAT, mine.new_conversation())
    # it takes more text to make as many tokens; what is set aside for it is no less than plain counting gives
    assert second.prompt_estimate == pytest.approx(length, abs=12)


def test_the_answers_limit_is_lowered_where_the_context_leaves_no_more() -> None:
    mine = questioner(context_limit_tokens=100, max_tokens=flat(90))
    question = mine.question(CHAT, mine.new_conversation())
    assert question.ask.max_tokens == 100 - question.prompt_estimate
    assert 1 <= question.ask.max_tokens < 90


def test_sessions_are_numbered_and_drawn() -> None:
    mine = questioner(questions_per_session=Distribution("uniform", 3.0, 5.0), session_duration_s=flat(30.0, 60.0))
    sessions = [mine.new_session() for _ in range(60)]
    assert [session.number for session in sessions] == list(range(1, 61))
    assert {session.questions for session in sessions} == {3, 4, 5}
    assert all(session.lasts_ns is not None and 30e9 <= session.lasts_ns <= 60e9 for session in sessions)
    assert questioner().new_session().lasts_ns is None


def test_a_question_waits_for_its_time() -> None:
    mine = questioner()
    question = mine.question(CHAT, mine.new_conversation(), 4)
    assert (question.session, question.turns_sent) == (4, 0)
    due = Thought(77, 1.5, 1.501, 9).ends_in(question)
    assert due == msgspec.structs.replace(question, due_ns=77, think_s=1.501, think_planned_s=1.5, connect_ns=9)
