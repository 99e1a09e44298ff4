from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from raysim.backends.page import PageError, WirePages
from raysim.backends.watch import BackendWatch
from raysim.core.backends.reading import BackendReading
from raysim.core.backends.target import BackendTarget
from raysim.core.plan.target_plan import AuthPlan, TargetPlan
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.embedded import embedded_backends
from raysim.simplatform.server import start_platform
from raysim.sinks.readings import ReadingStore, read_readings
from tests.component.wire.scripted_server import ScriptedServer, answer
from tests.unit.core.backends import pages

PLATFORM = TargetPlan("static", "http://127.0.0.1:9", "", AuthPlan(), 1.0, 1.0, 1.0)
UP = BackendTarget("up", "http://up/metrics", "llamacpp")
DOWN = BackendTarget("down", "http://down/metrics", "vllm")
SLOW = BackendTarget("slow", "http://slow/metrics", "vllm")


class ScriptedPages:
    """Pages by target; None never comes."""

    def __init__(self, answers: dict[BackendTarget, str | PageError | None]) -> None:
        self._answers = answers
        self.closed = False

    async def fetch(self, target: BackendTarget) -> str:
        found = self._answers[target]
        if found is None:
            await asyncio.Event().wait()
        if isinstance(found, PageError):
            raise found
        return str(found)

    def close(self) -> None:
        self.closed = True


async def test_one_that_is_slow_or_down_holds_up_nobody() -> None:
    kept: list[BackendReading] = []
    enough = asyncio.Event()

    def keep(readings: tuple[BackendReading, ...]) -> None:
        kept.extend(readings)
        if sum(reading.backend == "up" for reading in kept) > 3:
            enough.set()

    answers: dict[BackendTarget, str | PageError | None] = {UP: pages.LLAMACPP, DOWN: PageError("refused"), SLOW: None}
    scripted = ScriptedPages(answers)
    watch = BackendWatch((UP, DOWN, SLOW), scripted, keep, every_s=0.001)  # type: ignore[arg-type]
    watch.start()
    watch.start()
    await enough.wait()
    assert [(reading.backend, reading.up, reading.why) for reading in watch.latest] == [
        ("up", True, ""),
        ("down", False, "refused"),
    ]
    answers[SLOW] = pages.VLLM
    before = sum(reading.backend == "slow" for reading in kept)
    await watch.stop()
    # the last look was at all of them
    assert sum(reading.backend == "slow" for reading in kept) == before + 1
    assert scripted.closed


async def test_a_long_page_is_read_like_any_other() -> None:
    long = pages.LLAMACPP + "llamacpp:other 1\n" * 20_000
    watch = BackendWatch((UP,), ScriptedPages({UP: long}), lambda _: None)
    await watch.look(0)
    assert watch.latest[0].running == 2


@pytest.mark.parametrize(("status", "why"), [(200, ""), (500, "HTTP 500 broken"), (401, "HTTP 401 broken")])
async def test_pages_over_the_wire(status: int, why: str) -> None:
    body = pages.LLAMACPP if status == 200 else "broken"
    response = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    async with ScriptedServer(answer(response), answer(response)) as server:
        target = BackendTarget("b", f"http://127.0.0.1:{server.port}/metrics", "llamacpp")
        source = WirePages(PLATFORM, {})
        try:
            if why:
                with pytest.raises(PageError) as raised:
                    await source.fetch(target)
                assert str(raised.value) == why
            else:
                assert await source.fetch(target) == pages.LLAMACPP
        finally:
            source.close()


async def test_a_token_is_sent_and_never_told(unused_tcp_port: int) -> None:
    target = BackendTarget("b", f"http://127.0.0.1:{unused_tcp_port}/metrics", "litellm", token_env="THE_TOKEN")
    for environ, why in (({}, "environment variable THE_TOKEN is not set"), ({"THE_TOKEN": "a\nb"}, "cannot stand in")):
        with pytest.raises(PageError, match=why) as raised:
            await WirePages(PLATFORM, environ).fetch(target)
        assert "a\nb" not in str(raised.value)
    with pytest.raises(PageError, match="connection_refused"):
        await WirePages(PLATFORM, {"THE_TOKEN": "t"}).fetch(target)


async def test_the_simulated_platform_shows_backends_and_gpus(tmp_path: Path) -> None:
    platform = await start_platform(PlatformConfig(), "127.0.0.1")
    try:
        targets = embedded_backends(PlatformConfig(), platform.url, {"gpt-4o": None})
        assert [(target.id, target.kind) for target in targets] == [
            ("gpt-4o-0", "vllm"),
            ("gpt-4o-0", "dcgm"),
            ("gpt-4o-1", "vllm"),
            ("gpt-4o-1", "dcgm"),
        ]
        store = ReadingStore(tmp_path, run_id="run-1")
        watch = BackendWatch(targets, WirePages(PLATFORM, {}), store.keep)
        for place in range(len(targets)):
            await watch.look(place)
        server, gpu = watch.latest[:2]
        assert (server.up, server.running, server.kv_cache_tokens, server.saturation_ratio) == (True, 0, 400_000, 0)
        assert (gpu.gpu, gpu.gpu_utilization_ratio) == ("0", 0.0)
        assert gpu.gpu_memory_ratio == pytest.approx(0.9, abs=1e-4)
        await watch.stop()
    finally:
        await platform.close()
    # the process ends here without a word, and another one takes its place
    store._journal.close()
    again = ReadingStore(tmp_path, run_id="run-1")
    again.finish()
    assert {(r.backend, r.kind) for r in read_readings(tmp_path / "backends.parquet")} == {
        (target.id, target.kind) for target in targets
    }
    assert not (tmp_path / ".backends.jsonl").exists()


def test_no_readings_no_file(tmp_path: Path) -> None:
    ReadingStore(tmp_path, run_id="run-1").finish()
    assert list(tmp_path.iterdir()) == []
    assert read_readings(tmp_path / "backends.parquet") == ()
