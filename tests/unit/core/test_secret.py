from __future__ import annotations

import copy
import pickle
import traceback
from dataclasses import dataclass

import pytest

from raysim.core.secret import Secret

KEY = "sk-4711-very-private"


@dataclass(frozen=True, slots=True)
class Identity:
    user: str
    key: Secret


def test_a_secret_shows_itself_nowhere_but_when_asked() -> None:
    secret = Secret(KEY)
    assert secret.reveal() == KEY
    told = [str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s %r" % (secret, secret), format(secret)]  # noqa: UP031 - log lines are made this way
    told += [str([secret]), str({"key": secret}), repr(Identity("ada", secret))]
    assert not any(KEY in text for text in told)
    assert all("***" in text for text in told)


def refuse(key: Secret) -> None:
    raise ValueError(key)


def test_a_secret_in_an_error_does_not_reach_the_traceback() -> None:
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        refuse(Secret(KEY))
    lines = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "***" in lines
    assert KEY not in lines


def test_a_secret_travels_between_processes_and_is_still_equal() -> None:
    secret = Secret(KEY)
    for arrived in (pickle.loads(pickle.dumps(secret)), copy.deepcopy(secret)):  # noqa: S301 - our own bytes
        assert arrived == secret
        assert arrived.reveal() == KEY
        assert hash(arrived) == hash(secret)


def test_secrets_differ_from_others_and_from_plain_text() -> None:
    assert Secret(KEY) != Secret("sk-other")
    assert Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY), Secret("sk-other")}) == 2
