"""What one user asks next: which endpoint, in which conversation, which question."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.behaviour.conversation import Conversation, estimate_tokens
from raysim.core.behaviour.endpoint import EndpointPlan
from raysim.core.behaviour.questions import QuestionWalk, question_hash
from raysim.core.plan.run_plan import PackBrief, UserPlan
from raysim.core.rng import Stream
from raysim.users.attempt import Question
from raysim.wire.openai_request import Ask

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Thought:
    """The pause before a question: when it was due (monotonic ns), what was planned and what was, in seconds.

    Both are NaN where the pause says nothing of how people think. `connect_ns` as in `Question`.
    """

    due_ns: int
    planned_s: float = _NAN
    actual_s: float = _NAN
    connect_ns: int = 0


class Questioner:
    """Makes up one user's questions.

    Args:
        brief: the pack's brief.
        plan: who the user is.
        stream: the user's random numbers.
    """

    def __init__(self, brief: PackBrief, plan: UserPlan, stream: Stream) -> None:
        self._behaviour = brief.behaviour
        self._plan = plan
        self._incarnation = brief.incarnation
        self._stream = stream
        self._mix = Stream.of(plan.seed, "endpoints", brief.incarnation)
        self._weights = tuple(endpoint.weight for endpoint in brief.behaviour.endpoints)
        self._walk = QuestionWalk(brief.seed, plan.index, brief.users_in_run, brief.incarnation)
        self._conversations = 0

    def endpoint(self) -> EndpointPlan:
        """The endpoint of the next request, drawn by weight."""
        return self._behaviour.endpoints[self._mix.weighted(self._weights)]

    def new_conversation(self) -> Conversation:
        """A conversation in which nothing was said yet."""
        self._conversations += 1
        return Conversation(
            f"{self._plan.name}-{self._incarnation}.{self._conversations}",
            self._behaviour.system_prompt,
            self._behaviour.context_limit_tokens,
        )

    def turns(self) -> int:
        """How many turns the next conversation has."""
        several = self._stream.random() < self._behaviour.multi_turn_probability
        return self._behaviour.turns.sample_int(self._stream) if several else 1

    def question(self, endpoint: EndpointPlan, conversation: Conversation | None, thought: Thought) -> Question:
        """The next question; without a conversation it stands alone, and has no id of one."""
        text, strategy = self._text(follow_up=conversation is not None and conversation.turns_asked > 0, of=endpoint)
        limit = self._behaviour.max_tokens.sample_int(self._stream) if endpoint.asks else 0
        temperature = self._behaviour.temperature
        messages = conversation.prompt(text, limit) if conversation is not None else [("user", text)]
        return Question(
            endpoint=endpoint,
            ask=Ask(
                question=text,
                messages=tuple(messages),
                model=self._plan.model,
                max_tokens=limit,
                temperature=temperature.sample(self._stream) if temperature and endpoint.asks else None,
            ),
            due_ns=thought.due_ns,
            conversation_id=conversation.conversation_id if conversation is not None else "",
            turn=conversation.turns_asked if conversation is not None else 1,
            strategy=strategy,
            question_hash=question_hash(text) if text else 0,
            prompt_estimate=sum(estimate_tokens(content) for _, content in messages) if text else 0,
            think_s=thought.actual_s,
            think_planned_s=thought.planned_s,
            connect_ns=thought.connect_ns,
        )

    def _text(self, *, follow_up: bool, of: EndpointPlan) -> tuple[str, str]:
        """The question's text and its strategy; both empty where nothing is asked."""
        if not of.asks:
            return "", ""
        names, weights = zip(*self._behaviour.strategies, strict=True)
        return self._walk.next(names[self._stream.weighted(weights)], follow_up=follow_up)
