"""The site has every page once; links out of docs/ lead into the repository, or are plain text."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.unit.test_prose import ROOT


class _Loader(yaml.SafeLoader):
    """Does not ask the environment."""


_Loader.add_constructor("!ENV", lambda _, node: node.tag)
CONFIG: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one


def pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for below in nav.values() if isinstance(nav, dict) else nav:
            yield from pages(below)


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_links", ROOT / "docs" / "site_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once() -> None:
    docs = ROOT / "docs"
    assert sorted(pages(CONFIG["nav"])) == sorted(str(page.relative_to(docs)) for page in docs.rglob("*.md"))


@pytest.mark.parametrize(
    ("source", "repository", "shown"),
    [
        (
            "see [a](../configs/smoke.yaml).",
            "https://forge/x/",
            "see [a](https://forge/x/blob/main/configs/smoke.yaml).",
        ),
        ("[k](../kuberay/base#top)", "https://forge/x", "[k](https://forge/x/tree/main/kuberay/base#top)"),
        ("[a](../configs/smoke.yaml)", "", "a"),
        ("[b](limits.md#money)", "https://forge/x", "[b](limits.md#money)"),
    ],
)
def test_links_out_of_docs(hook: ModuleType, source: str, repository: str, shown: str) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="quickstart.md"))
    config = {"config_file_path": str(ROOT / "mkdocs.yml"), "extra": {"repository": repository}}
    assert hook.on_page_markdown(source, page=page, config=config, files=None) == shown


def test_links_between_pages_of_different_folders_stay(hook: ModuleType) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="adr/0001-own-wire-client.md"))
    config = {"config_file_path": str(ROOT / "mkdocs.yml"), "extra": {"repository": "https://forge/x"}}
    text = "[a](../limits.md), [b](../../configs/smoke.yaml)"
    shown = "[a](../limits.md), [b](https://forge/x/blob/main/configs/smoke.yaml)"
    assert hook.on_page_markdown(text, page=page, config=config) == shown
