"""How setting up each user went, as the coordinator hears of it."""

from __future__ import annotations

from collections.abc import Iterable

from raysim.actors.user import Bootstrapped


class Bootstraps:
    """The outcome of every user's first set-up, and who is set up now.

    Args:
        results: those that a coordinator before this one had heard of.
    """

    def __init__(self, results: Iterable[Bootstrapped] = ()) -> None:
        #: the first of each user
        self.first: list[Bootstrapped] = list(results)
        self._known = {result.user for result in self.first}
        #: users that were set up, in their latest life
        self._set_up = {result.user: result for result in self.first if not result.error}

    def add(self, result: Bootstrapped) -> bool:
        """A user was set up, or could not be; whether it is the first that is heard of it."""
        if not result.error:
            self._set_up[result.user] = result
        if result.user in self._known:
            return False
        self._known.add(result.user)
        self.first.append(result)
        return True

    @property
    def failed(self) -> int:
        """Users that could not be set up the first time."""
        return sum(bool(result.error) for result in self.first)

    @property
    def set_up(self) -> list[tuple[int, str, float]]:
        """Users that are set up: index, host name of their node, seconds that it took."""
        return [(each.user, each.node, each.seconds) for each in self._set_up.values()]
