"""What one user asks next: which endpoint, in which conversation, which question, how long."""

from __future__ import annotations

import msgspec

from raysim.core.behaviour.behaviour import Behaviour
from raysim.core.behaviour.conversation import Conversation, Prompt, TokenGauge, estimate_tokens
from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.prompts import PromptWriter, Written
from raysim.core.behaviour.questions import question_hash
from raysim.core.behaviour.session import Session
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.records.request import ABSENT, RequestRecord
from raysim.core.rng import Stream
from raysim.users.attempt import Question
from raysim.wire.openai_request import Ask

_NAN = float("nan")
_BREAK = "\n\n"
#: sources of token counts that are no estimates
_COUNTED = ("usage", "tokenizer")
_NOTHING = Written("", "", "")


class Thought(msgspec.Struct, frozen=True):
    """The pause before a question: when it was due (monotonic ns), what was planned and what was, in seconds.

    Both are NaN where the pause says nothing of how people think. `connect_ns` as in `Question`.
    """

    due_ns: int
    planned_s: float = _NAN
    actual_s: float = _NAN
    connect_ns: int = 0

    def ends_in(self, question: Question) -> Question:
        """The question, now that its time has come."""
        return msgspec.structs.replace(
            question,
            due_ns=self.due_ns,
            think_s=self.actual_s,
            think_planned_s=self.planned_s,
            connect_ns=self.connect_ns,
        )


class Questioner:
    """Makes up one user's questions.

    Args:
        brief: the pack's brief.
        plan: who the user is.
        stream: the user's random numbers.
    """

    def __init__(self, brief: PackBrief, plan: UserPlan, stream: Stream) -> None:
        behaviour = self._behaviour = brief.behaviour
        self._plan = plan
        self._incarnation = brief.incarnation
        self._stream = stream
        self._mix = Stream.of(plan.seed, "endpoints", brief.incarnation)
        self._weights = tuple(endpoint.weight for endpoint in behaviour.endpoints)
        self._gauge = TokenGauge()
        self._writer = PromptWriter(
            behaviour.prompts,
            behaviour.strategies,
            behaviour.system_prompt,
            seed=brief.seed,
            org=plan.org_name,
            user=plan.index,
            users=brief.users_in_run,
            incarnation=brief.incarnation,
            stream=Stream.of(plan.seed, "prompts", brief.incarnation),
            templates=behaviour.templates,
        )
        self._conversations = 0
        self._sessions = 0

    def follow(self, behaviour: Behaviour) -> None:
        """From now on sessions are as `behaviour` has them; questions are the same as before."""
        self._behaviour = behaviour

    def endpoint(self) -> EndpointPlan:
        """The endpoint of the next request, drawn by weight."""
        return self._behaviour.endpoints[self._mix.weighted(self._weights)]

    def new_session(self) -> Session:
        """The user's next session."""
        self._sessions += 1
        questions = self._behaviour.questions_per_session.sample_int(self._stream)
        lasts = self._behaviour.session_duration_s
        return Session(
            self._sessions, questions, None if lasts is None else int(lasts.sample(self._stream) * 1_000_000_000)
        )

    def new_conversation(self) -> Conversation:
        """A conversation in which nothing was said yet."""
        self._conversations += 1
        return Conversation(
            f"{self._plan.name}-{self._incarnation}.{self._conversations}",
            self._writer.system,
            self._behaviour.context_limit_tokens,
            self._gauge,
        )

    def turns(self) -> int:
        """How many turns the next conversation has."""
        several = self._stream.random() < self._behaviour.multi_turn_probability
        return self._behaviour.turns.sample_int(self._stream) if several else 1

    def question(self, endpoint: EndpointPlan, conversation: Conversation | None, session: int = ABSENT) -> Question:
        """The next question, whose time has not come yet; without a conversation it stands alone, and has no id of one.

        Made up before the user thinks, so that the work does not come between due and sent.
        """
        if conversation is not None:
            written = self._writer.write(conversation)
            prompt = conversation.prompt(written.text, self._answer_limit())
        else:
            written, prompt = self._alone(endpoint)
        temperature = self._behaviour.temperature
        return Question(
            endpoint=endpoint,
            ask=Ask(
                question=prompt.messages[-1][1],
                messages=prompt.messages,
                model=self._plan.model,
                max_tokens=prompt.max_tokens,
                temperature=temperature.sample(self._stream) if temperature and endpoint.asks else None,
            ),
            due_ns=0,
            conversation_id=conversation.conversation_id if conversation is not None else "",
            turn=conversation.turns_asked if conversation is not None else 1,
            strategy=written.strategy,
            question_hash=question_hash(written.question) if written.question else 0,
            # never less than plain counting gives: money is reserved by it
            prompt_estimate=max(prompt.estimate, self._gauge.tokens(prompt.estimate)),
            think_s=_NAN,
            think_planned_s=_NAN,
            turns_sent=prompt.turns if conversation is not None else ABSENT,
            session=session,
            prompt_target_tokens=written.target_tokens or ABSENT,
        )

    def learn(self, question: Question, record: RequestRecord) -> None:
        """Take note of how many tokens the platform counted."""
        if record.token_source in _COUNTED and question.endpoint.converses:
            self._gauge.learn(sum(estimate_tokens(text) for _, text in question.ask.messages), record.prompt_tokens)

    def _answer_limit(self) -> int:
        return self._behaviour.max_tokens.sample_int(self._stream)

    def _alone(self, endpoint: EndpointPlan) -> tuple[Written, Prompt]:
        """What an endpoint that does not converse is asked: one text, without a system message."""
        if not endpoint.asks:
            return _NOTHING, Prompt((("user", ""),), 0, 0, 0)
        start = self._writer.start
        alone = Conversation("", start, self._behaviour.context_limit_tokens, self._gauge)
        written = self._writer.write(alone)
        text = _BREAK.join(filter(None, (start, written.text)))
        return written, Prompt((("user", text),), self._answer_limit(), 0, estimate_tokens(text))
