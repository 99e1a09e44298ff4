"""The generated pages under docs/: `python -m tests.docs` rewrites them, `--check` fails when one is out of date."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from raysim.cli.schema import contract_text
from raysim.core.config.reference import configuration_page
from raysim.core.metrics.page import metrics_page
from raysim.core.records.schema_page import schema_page
from raysim.dashboards.earlier_page import earlier_page

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent

#: page → what it must hold
PAGES: tuple[tuple[str, Callable[[], str]], ...] = (
    ("docs/configuration.md", configuration_page),
    ("docs/contracts/platform.openapi.json", partial(contract_text, "platform")),
    ("docs/contracts/results.schema.json", partial(contract_text, "results")),
    ("docs/contracts/scenario.schema.json", partial(contract_text, "scenario")),
    ("docs/contracts/summary.schema.json", partial(contract_text, "summary")),
    ("docs/from-the-earlier-harness.md", earlier_page),
    ("docs/metrics.md", metrics_page),
    ("docs/results-schema.md", schema_page),
)


def stale() -> list[str]:
    """The pages that are missing or not what their function makes."""
    return [page for page, make in PAGES if not _holds(ROOT / page, make())]


def rewrite() -> list[str]:
    """Write every page that is out of date; their names."""
    pages = stale()
    for page, make in PAGES:
        if page in pages:
            (ROOT / page).parent.mkdir(exist_ok=True)
            (ROOT / page).write_text(make(), encoding="utf-8")
    return pages


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str]) -> int:
    """The exit status: 1 when `--check` finds a page out of date."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m tests.docs [--check]\n")
        return 2
    if arguments:
        pages = stale()
        sys.stdout.writelines(f"{page} is out of date: run `make docs`\n" for page in pages)
        return 1 if pages else 0
    sys.stdout.writelines(f"{page} rewritten\n" for page in rewrite())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
