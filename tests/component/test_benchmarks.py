"""The pack that benchmarks measure does what a pack does."""

from __future__ import annotations

from argparse import Namespace

from benchmarks.packed import play, timings
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import ScriptedServer, answer


async def test_the_measured_pack_asks_and_keeps_its_records() -> None:
    async with ScriptedServer(answer(ANSWER)) as server:
        options = Namespace(port=server.port, streams=3, warmup=0.0, seconds=0.8, think=0.0, discard=False)
        seen = timings(*await play(options))
    assert seen.requests > 3
    assert seen.failed == 0
    assert seen.ttft_error_ms is not None
