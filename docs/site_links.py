"""A hook of MkDocs: links from pages to files of the repository that are beside docs/.

On GitHub `../configs/quickstart.yaml` is that file. In the site it leads to the file in the repository that
`extra.repository` of mkdocs.yml names; where none is given, only the link's text stays.
"""  # noqa: INP001 - MkDocs loads it by its path

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"\[([^\]\n]*)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """The page's text with such links replaced; `page` and `config` are MkDocs' own."""
    folder = posixpath.dirname(posixpath.join("docs", page.file.src_uri))
    root = Path(config["config_file_path"]).parent

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        if target.startswith("docs/"):
            return link[0]
        repository = (config["extra"]["repository"] or "").rstrip("/")
        if not repository:
            return link[1]
        kind = "tree" if (root / target.partition("#")[0]).is_dir() else "blob"
        return f"[{link[1]}]({repository}/{kind}/main/{target})"

    return _LINK.sub(replaced, markdown)
