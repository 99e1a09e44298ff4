"""A user with several keys: each conversation uses the next one."""

from __future__ import annotations

import re

from tests.component.users.stage import Row, Stage, flat, make_behaviour, make_brief
from tests.component.wire.asking import ANSWER
from tests.component.wire.scripted_server import Script, ScriptedServer, answer, whole

KEYS = ("sk-first-key", "sk-second-key", "sk-third-key")
AUTHORIZATION = re.compile(rb"\r\nauthorization: bearer ([^\r]+)\r\n", re.IGNORECASE)


async def asked(script: Script, turns: int, requests: int) -> tuple[list[Row], list[list[str]], bytes]:
    """The rows of a user with KEYS, the keys that each request carried, and all that was handed over."""
    async with ScriptedServer(script) as server:
        behaviour = make_behaviour(multi_turn_probability=1.0, turns=flat(turns))
        brief = make_brief(f"http://127.0.0.1:{server.port}", 1, behaviour, max_requests=requests)
        stage = Stage(brief, keys=KEYS[:1], more_keys=KEYS[1:], debug=True)
        stage.coordinator.switch(0)
        await stage.all_gone()
        await stage.end()
        sent = [[key.decode() for key in AUTHORIZATION.findall(request)] for request in server.requests]
    return stage.records.rows, sent, stage.records.everything


async def test_each_conversation_uses_the_next_key_for_all_its_turns() -> None:
    rows, sent, _ = await asked(answer(ANSWER), turns=2, requests=8)
    assert all(len(keys) == 1 for keys in sent)
    conversations = list(dict.fromkeys(row["conversation_id"] for row in rows))
    assert 3 < len(conversations) < len(rows), "several conversations, some of several turns"
    expected = [[KEYS[conversations.index(row["conversation_id"]) % 3]] for row in rows]
    assert sent == expected


async def test_no_key_is_written_down_whichever_the_platform_quotes() -> None:
    quoting = whole(b'{"error": "not one of these: sk-first-key, sk-second-key, sk-third-key"}', "400 No")
    rows, _, written = await asked(answer(quoting), turns=1, requests=3)
    assert {row["error_type"] for row in rows} == {"http_4xx"}
    assert not any(key.encode() in written for key in KEYS)
