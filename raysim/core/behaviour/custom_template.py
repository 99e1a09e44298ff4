"""A scenario's own questions: a text with braces, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from raysim.core.behaviour.braces import compile_text
from raysim.core.behaviour.options import Row
from raysim.core.behaviour.phrasebook import phrasebook
from raysim.core.behaviour.question_template import QuestionTemplate

#: what a template may use without defining it
TABLES = ("city", "country", "event", "person", "invention", "role", "name", "language", "system", "concept", "topic")


@dataclass(frozen=True, slots=True)
class CustomTemplate:
    """A text with variables in braces, in the form that travels to the actors.

    `weight` is its relative share of the questions of strategy `template`; `variables` are pairs of a name and the
    texts that can stand there. Names that are not among them are those of raysim's own tables, such as `city`.
    """

    text: str
    weight: int = 1
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def compiled(self) -> QuestionTemplate:
        """The template to draw questions from.

        Raises:
            ValueError: the text cannot be read; says what is wrong about it.
        """
        return compile_text(self.text, self, self.weight)

    def rows(self, name: str, columns: tuple[str, ...]) -> tuple[Row, ...]:
        """What can stand in `{name}`. Raises ValueError for an unknown name."""
        for variable, texts in self.variables:
            if variable == name:
                return tuple((text,) * len(columns) for text in dict.fromkeys(texts))
        shared = phrasebook("shared")
        if name not in TABLES:
            known = ", ".join((*(variable for variable, _ in self.variables), *TABLES))
            raise ValueError(f"{{{name}}} is no variable of this template and none of raysim's tables; known: {known}")
        return shared.rows(name, columns)
