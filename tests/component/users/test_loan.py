from __future__ import annotations

import asyncio

import pytest

from raysim.core.secret import Secret
from raysim.users import loan as loan_module
from raysim.users.loan import TokenLoan


class Lender:
    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def __call__(self, refused: bool) -> Secret:
        self.asked.append(refused)
        await asyncio.sleep(0)
        return Secret(f"token-{len(self.asked)}")


async def test_a_token_is_asked_for_once_however_many_want_it() -> None:
    lender = Lender()
    loan = TokenLoan(lender)
    tokens = await asyncio.gather(*(loan.token() for _ in range(20)))
    assert (set(tokens), lender.asked) == ({Secret("token-1")}, [False])


async def test_a_refused_token_is_replaced_once() -> None:
    lender = Lender()
    loan = TokenLoan(lender)
    first = await loan.token()
    loan.refused(first)
    loan.refused(first)
    assert await loan.token() == Secret("token-2")
    loan.refused(first)
    assert await loan.token() == Secret("token-2")
    assert lender.asked == [False, True]


async def test_a_token_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(loan_module, "monotonic", lambda: now_s)
    lender = Lender()
    loan = TokenLoan(lender)
    await loan.token()
    now_s += 29.0
    assert await loan.token() == Secret("token-1")
    now_s += 1.0
    assert await loan.token() == Secret("token-2")
    assert lender.asked == [False, False]


async def test_a_lender_that_fails_is_asked_again() -> None:
    async def fail(refused: bool) -> Secret:
        calls.append(refused)
        if len(calls) == 1:
            raise ConnectionError("gone")
        return Secret("t")

    calls: list[bool] = []
    loan = TokenLoan(fail)
    with pytest.raises(ConnectionError):
        await loan.token()
    assert await loan.token() == Secret("t")
