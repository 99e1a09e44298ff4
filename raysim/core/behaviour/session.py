"""A session: the questions that a user asks in one sitting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """When a session is over. The next one begins with the question that does not belong to it any more.

    Args:
        number: which of the user's sessions it is, from 1.
        questions: most questions in it.
        lasts_ns: longest time from its first question to its last one, in ns; None for any.
    """

    number: int
    questions: int
    lasts_ns: int | None

    def takes(self, asked: int, started_ns: int, due_ns: int) -> bool:
        """Whether a question that is due at `due_ns` belongs to it, after `asked` others from `started_ns` on.

        A session without a question would be over before it began, and the next one too: it has at least one.
        """
        if asked == 0:
            return True
        return asked < self.questions and (self.lasts_ns is None or due_ns - started_ns < self.lasts_ns)
