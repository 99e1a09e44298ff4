"""What the Dockerfile says of its image; building it is `make image`."""

from __future__ import annotations

import re

from tests.unit.test_prose import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_holds_the_code_and_no_scenario() -> None:
    copied = [found for found in re.findall(r"^(?:COPY|ADD) (.+)$", TEXT, re.MULTILINE) if "--from=" not in found]
    sources = [word for line in copied for word in line.split()[:-1]]
    assert sources == ["pyproject.toml", "constraints.txt", "README.md", "LICENSE", "raysim"]


def test_the_image_runs_as_a_plain_user() -> None:
    assert re.findall(r"^USER (.+)$", TEXT, re.MULTILINE)[-1] == "1000:1000"
