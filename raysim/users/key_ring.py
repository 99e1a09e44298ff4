"""Which of a user's keys a request carries, where the user has several."""

from __future__ import annotations

from raysim.users.identity import Identity


class KeyRing:
    """Each conversation uses the user's next key, in turn; all its turns and retries use the same one.

    So a platform that limits by key, or keeps a cache by key, meets whole conversations.

    Args:
        identity: the user.
    """

    def __init__(self, identity: Identity) -> None:
        self._keys = identity.keys
        self._turn = -1
        self._conversation: str | None = None

    @property
    def several(self) -> bool:
        """Whether there is a choice; a single key is part of every request's fixed head."""
        return len(self._keys) > 1

    def line(self, conversation_id: str) -> str:
        """The header line of the conversation's key; "" where there is no choice."""
        if not self.several:
            return ""
        if conversation_id != self._conversation:
            self._conversation = conversation_id
            self._turn += 1
        return f"Authorization: Bearer {self._keys[self._turn % len(self._keys)].reveal()}\r\n"
