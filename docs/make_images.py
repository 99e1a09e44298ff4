"""Draws the pictures under docs/images from a real run. Reads and writes files; runs nothing.

    script -qec "raysim run configs/quickstart.yaml" quickstart.rec     # in a terminal of 100 columns
    python docs/make_images.py results/RUN_ID --recording quickstart.rec
    python -m tests.services.debian; python docs/make_images.py results/RUN_ID --page      # from the checkout

`report.svg` is the report of the run's summary.json, `live.svg` the live view as the terminal showed it,
`report-page.png` the upper part of its report.html in Chromium.
"""  # noqa: INP001 - a script, no package

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from raysim.report.console import render_summary

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.services.chromium import browser

IMAGES = Path(__file__).resolve().parent / "images"
_TITLE = "raysim run configs/quickstart.yaml"
_WIDTH = 100
_PAGE_WIDTH = 1200
_PAGE_HEIGHT = 1155
#: how a terminal is told to erase what the live view drew last
_ERASED = re.compile(r"(?:\r?\x1b\[2K(?:\x1b\[1A)?|\x1b\[1A)+")
#: every frame of the panel has these rows
_ROWS = ("time", "users", "requests", "TTFT", "tokens", "cost")
#: the picture shows the frame at this share of the run: most of it is drawn, some is still to come
_FRAME_AT = 0.75
#: a picture in a page cannot load fonts; without the rule it uses the reader's own
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def recorder() -> Console:
    """A console that keeps what is printed and shows nothing."""
    return Console(
        record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )


def save(console: Console, name: str) -> None:
    """Write what `console` recorded to docs/images, without a reference to anything outside."""
    lines = _FONT_FACE.sub("", console.export_svg(title=_TITLE)).splitlines()
    (IMAGES / name).write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def live_frame(recording: str) -> RenderableType:
    """The live view late in the run that `script` recorded.

    Raises:
        SystemExit: the recording holds no live view.
    """
    frames = [frame for frame in _ERASED.split(recording) if all(f"{row} " in frame for row in _ROWS)]
    if not frames:
        raise SystemExit("the recording shows no live view; was it made in a terminal, without --ui?")
    return Text.from_ansi(frames[int(len(frames) * _FRAME_AT)].replace("\r", "").strip("\n"))


def page_picture(page: Path) -> bytes:
    """The upper part of a run's page, as PNG."""
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder) / "profile") as tab:
        tab.open(page, width=_PAGE_WIDTH)
        return tab.picture(_PAGE_WIDTH, _PAGE_HEIGHT)


def main() -> None:
    """Draw report.svg, live.svg when there is a recording, or report-page.png alone."""
    parser = argparse.ArgumentParser(description="Draw docs/images from a real run.")
    parser.add_argument("run", type=Path, help="a run's directory")
    parser.add_argument("--recording", type=Path, help="what `script` recorded of the run")
    parser.add_argument("--page", action="store_true", help="draw the page, nothing else")
    arguments = parser.parse_args()
    if arguments.page:
        (IMAGES / "report-page.png").write_bytes(page_picture(arguments.run.resolve() / "report.html"))
        return
    report = recorder()
    render_summary(json.loads((arguments.run / "summary.json").read_bytes()), report)
    save(report, "report.svg")
    if arguments.recording is not None:
        live = recorder()
        live.print(live_frame(arguments.recording.read_text(encoding="utf-8")))
        save(live, "live.svg")


if __name__ == "__main__":
    main()
