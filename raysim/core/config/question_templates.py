"""`spec.advanced.questionTemplates`: a scenario's own questions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from raysim.core.behaviour.braces import SUBJECT, names_in
from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.config.base import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[A-Za-z]\w*")


def _text(value: object) -> object:
    """A number as text, as it was written; anything else as it is."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _or_text(schema: dict[str, Any]) -> None:
    """Let the schema accept a text in place of the mapping."""
    mapping = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, mapping]


_Value = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
_Values = Annotated[tuple[_Value, ...], Field(min_length=1)]


class QuestionTemplateSpec(Part):
    """A question with variables in braces. A text in place of the mapping is its `text`."""

    model_config = ConfigDict(json_schema_extra=_or_text)

    text: str = Field(
        min_length=1,
        description="the question; `{name}` is a variable or one of raysim's tables, `{10..90}` a number; "
        "docs/questions.md shows more",
    )
    weight: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        1, description="relative share of the questions of strategy template, a whole number"
    )
    variables: dict[str, _Values] = Field(
        default_factory=dict, description="name → list of texts or numbers, of which one is chosen for each question"
    )

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, data: object) -> object:
        return {"text": data} if isinstance(data, str) else data

    def problems(self) -> Iterator[tuple[str, str]]:
        """A text that cannot be read, and variables that could never stand in it."""
        used = names_in(self.text)
        for name in self.variables:
            if name == SUBJECT or not _NAME.fullmatch(name):
                yield "variables", f"found the name {name!r}; expected letters, digits and _, and not {SUBJECT!r}"
            elif name not in used:
                yield "variables", f"{name} is not used by the text; write {{{name}}} there or remove it"
        if SUBJECT in used:
            yield "text", f"{{{SUBJECT}}} has a meaning in raysim's own questions only; choose another name"
            return
        try:
            self.to_template().compiled()
        except ValueError as error:
            yield "text", str(error)

    def to_template(self) -> CustomTemplate:
        """The same, as it travels."""
        return CustomTemplate(self.text, self.weight, tuple(self.variables.items()))
