"""Facts that questions are about: tables of text, one row a thing, read when they are first needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import compress


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table of `facts/`: columns by name, all of the same length. Lines that start with `#` name the source."""

    name: str
    columns: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, name: str, text: str) -> FactTable:
        """The table in `text`: a line of column names, then rows, all with tabs between cells.

        Raises:
            ValueError: a row has more or fewer cells than the table has columns.
        """
        header, *rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
        return cls(name, dict(zip(header, zip(*rows, strict=True), strict=True)))


@lru_cache(maxsize=64)
def fact_table(name: str) -> FactTable:
    """The table `name` that comes with raysim."""
    file = resources.files("raysim.core.behaviour").joinpath("facts", f"{name}.tsv")
    return FactTable.parse(name, file.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row's cell in `column` must be.

    A number from `low` to `high`; when there are `words`, one of them, or with `without`, none of them.
    """

    column: str
    low: int = 0
    high: int = 0
    words: frozenset[str] = frozenset()
    without: bool = False

    def holds(self, cell: str) -> bool:
        """Whether a row with this cell belongs."""
        if self.words:
            return (cell in self.words) != self.without
        return self.low <= float(cell) <= self.high


@dataclass(frozen=True, slots=True)
class View:
    """The rows of the table `table` for which all `conditions` hold."""

    table: str
    conditions: tuple[Condition, ...] = ()

    def rows(self, columns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The cells of `columns` in these rows, each combination once; the column "" is the table's first.

        Raises:
            ValueError: the table has no such column.
        """
        return _rows(self, columns)


@lru_cache(maxsize=1024)
def _rows(view: View, columns: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    table = fact_table(view.table)
    first = next(iter(table.columns))
    if unknown := [column for column in columns if column and column not in table.columns]:
        raise ValueError(f"{view.table} has no column {unknown[0]!r}; it has {', '.join(table.columns)}")
    rows = list(zip(*(table.columns[column or first] for column in columns), strict=True))
    fitting = [True] * len(rows)
    for condition in view.conditions:
        cells = table.columns[condition.column]
        fitting = [fits and condition.holds(cell) for fits, cell in zip(fitting, cells, strict=True)]
    return tuple(dict.fromkeys(compress(rows, fitting)))
