from __future__ import annotations

from pathlib import Path

from tests.component.simplatform.reference import tables

PAGE = Path(__file__).resolve().parents[3] / "docs" / "simulated-platform.md"


def test_the_page_lists_every_key_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [row for row in tables().splitlines() if row not in page]
    assert not missing, "paste the output of `python -m tests.component.simplatform.reference` into the page"
