from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from raysim.core.errors import ConfigError
from raysim.core.pricing import KNOWN_PRICES
from raysim.simplatform.config import ModelConfig, PlatformConfig
from raysim.simplatform.config_file import load_platform_config
from raysim.simplatform.engine import Engine, Sequence


def test_the_defaults_are_a_useful_platform() -> None:
    config = PlatformConfig()
    assert [m.id for m in config.models] == ["gpt-4o", "gpt-4o-mini", "llama-3-8b-instruct", "text-embedding-3-small"]
    assert {model for backend in config.backends for model in backend.models} == {m.id for m in config.models}
    assert all(m.price == KNOWN_PRICES[m.id] for m in config.models)
    assert (config.mode, config.deletes) == ("modern", False)


@pytest.mark.parametrize(
    ("model", "first_token", "rate"),
    [
        ("gpt-4o", (0.22, 0.28), (60, 80)),
        ("gpt-4o-mini", (0.1, 0.2), (100, 130)),
        ("llama-3-8b-instruct", (0, 1), (50, 70)),
    ],
)
def test_the_default_speeds(model: str, first_token: tuple[float, float], rate: tuple[float, float]) -> None:
    backend = next(b for b in PlatformConfig().backends if model in b.models)
    engine, sequences = Engine(backend.profile), [Sequence(50, 100) for _ in range(20)]
    for sequence in sequences:
        engine.submit(sequence, 0.0)
    engine.advance(1000.0)
    for sequence in sequences:
        assert first_token[0] <= sequence.first_token_at <= first_token[1]
        assert rate[0] <= 99 / (sequence.finished_at - sequence.first_token_at) <= rate[1]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("mode: aiaas\nbootstrapDelay: 250ms\nadmin: {password: hidden}\nfaults: {errorRate: 0.1}\n")
    config = load_platform_config(path)
    assert (config.mode, config.bootstrap_delay, config.faults.error_rate) == ("aiaas", 0.25, 0.1)
    assert "hidden" not in repr(config)
    path.write_text("")
    assert load_platform_config(path) == PlatformConfig()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("mode: [", "not YAML"),
        ("- 1", "PlatformConfig"),
        ("speed: 7", "speed"),
        ("faults: {errorRate: 2}", "faults.errorRate"),
        ("bootstrapDelay: 250", ""),
        ("bootstrapDelay: soon", "bootstrapDelay"),
        ("models: [{id: mine}]", "inputUsdPerMillion"),
        ("models: [{id: gpt-4o}, {id: gpt-4o}]", "twice"),
        ("models: [{id: gpt-4o}]", "does not list"),
        ("models: [{id: gpt-4o, outputTokens: {min: 9, max: 3}}]", "min 9 is above max 3"),
        ("backends: [{id: a b, models: [gpt-4o]}]", "backends[0].id"),
        ("backends: []", "backends"),
    ],
)
def test_problems_are_named(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(text)
    if not part:
        assert load_platform_config(path).bootstrap_delay == 250.0
        return
    with pytest.raises(ConfigError) as raised:
        load_platform_config(path)
    assert part in raised.value.message
    assert str(path) in raised.value.message


def test_an_unreadable_file_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_platform_config(tmp_path / "absent.yaml")


def test_a_secret_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("admin: {password: [sk-private]}")
    with pytest.raises(ConfigError) as raised:
        load_platform_config(path)
    assert "sk-private" not in str(raised.value)


def test_given_prices_win() -> None:
    model = ModelConfig(id="gpt-4o", input_usd_per_million=1.0, output_usd_per_million=0.0)
    assert (model.price.input_usd_per_million, model.price.output_usd_per_million) == (1.0, 0.0)
    assert model.price.context_window == KNOWN_PRICES["gpt-4o"].context_window
    with pytest.raises(ValidationError):
        ModelConfig(id="mine", input_usd_per_million=1.0)
