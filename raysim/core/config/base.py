"""What every part of the scenario has in common: spelling, strictness, and the types of its values."""

from __future__ import annotations

import re
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticUndefined

from raysim.core.units import DURATION_PATTERN, format_duration, parse_cpu, parse_duration, parse_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

#: marks an error that carries several problems, each with its place below the model that raised it
PROBLEMS = "problems"
#: the validation context of values that a person wrote, whose durations need a unit
FROM_FILE = {"from": "file"}


class Part(BaseModel):
    """A mapping in the scenario file: camelCase keys, nothing unknown, nothing changed after it was read.

    A key that is written without a value stands for its default, unless `null` means something there.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """What is wrong with these values together: (key in the file's spelling, message)."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        drop = {
            alias
            for alias, field in ((f.alias or name, f) for name, f in cls.model_fields.items())
            if alias in data and data[alias] is None and not field.is_required() and not nullable(field.annotation)
        }
        return {key: value for key, value in data.items() if key not in drop} if drop else data

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        found = tuple(self.problems())
        if found:
            text = "; ".join(f"{key}: {message}" if key else message for key, message in found)
            raise PydanticCustomError(PROBLEMS, "{text}", {"text": text, PROBLEMS: found})
        return self


def nullable(annotation: object) -> bool:
    """Whether `annotation` allows None."""
    if get_origin(annotation) is Annotated:
        return nullable(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and type(None) in get_args(annotation)


def default_of(field: Any) -> object:
    """The default of a pydantic field, its factory called; `PydanticUndefined` when it has none."""
    return field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined


def _seconds(value: object, info: ValidationInfo) -> float:
    """Text in Go's style; in Python code also a number of seconds, which a file must not hold."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number and not isinstance(value, str):
        raise ValueError(f"found {_kind(value)}; expected a duration such as 90s, 2m, 1h30m or 500ms")
    seconds = parse_duration(str(value)) if number and info.context == FROM_FILE else None
    if seconds is None:
        seconds = parse_duration(value) if isinstance(value, str) else float(str(value))
    if seconds < 0:
        raise ValueError(f"found {value}; a duration cannot be negative")
    return seconds


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("found 0; expected a duration longer than 0, such as 30s")
    return value


def _kind(value: object) -> str:
    return {dict: "a mapping", list: "a list", bool: str(value).lower()}.get(type(value), "nothing")


#: what every duration carries: its form in the JSON Schema
DURATION_MARK = WithJsonSchema(
    {"type": "string", "pattern": DURATION_PATTERN, "examples": ["90s", "2m", "1h30m", "500ms"]}
)

#: a duration: Go's style in the file, seconds in Python
Duration = Annotated[float, BeforeValidator(_seconds), PlainSerializer(format_duration), DURATION_MARK]
#: a duration that cannot be 0
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]

Number = Annotated[float, Field(strict=True)]
NonNegative = Annotated[float, Field(strict=True, ge=0)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Ratio = Annotated[float, Field(strict=True, ge=0, le=1)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=253)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]


def _check_url(text: str) -> str:
    message = f"found {text!r}; expected an address such as http://api-router:8080"
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(message) from None
    if not valid or re.search(r"\s", text):
        raise ValueError(message)
    if parts.username or parts.password:
        raise ValueError("an address must not hold a user name or password; name a secret by reference instead")
    if parts.query or parts.fragment:
        raise ValueError(f"found {text!r}; expected an address without ? or #")
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_check_url), WithJsonSchema({"type": "string", "format": "uri"})]

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_env_name(text: str) -> str:
    # the value is never shown: people paste the secret itself here
    if not _ENV_NAME.fullmatch(text):
        raise ValueError("expected the name of an environment variable (letters, digits and _), not its value")
    return text


EnvName = Annotated[str, AfterValidator(_check_env_name)]


def _quantity_text(value: object) -> object:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _check_memory(text: str) -> str:
    parse_memory(text)
    return text


def _check_cpu(text: str) -> str:
    parse_cpu(text)
    return text


Memory = Annotated[str, BeforeValidator(_quantity_text), AfterValidator(_check_memory)]
Cpu = Annotated[str, BeforeValidator(_quantity_text), AfterValidator(_check_cpu)]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(pattern: str, known: Mapping[str, str] | tuple[str, ...]) -> list[str]:
    """Placeholders of `pattern` that are not `known`, with their braces; a stray brace counts as one."""
    wrong = [f"{{{name}}}" for name in _PLACEHOLDER.findall(pattern) if name not in known]
    rest = _PLACEHOLDER.sub("", pattern)
    return wrong + [brace for brace in "{}" if brace in rest]


def weight_problem(weights: tuple[float, ...]) -> str | None:
    """What is wrong with a list of weights: nothing can be drawn when all are 0."""
    if weights and sum(weights) <= 0:
        return "all weights are 0, so none could ever be chosen; give at least one a weight above 0"
    return None
