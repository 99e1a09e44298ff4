"""Every YAML block of a page is read as the program would read it: scenarios, parts of them, platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from raysim.config_file import examine_document
from raysim.core.config.scenario import API_VERSION, KIND, Spec
from raysim.core.plan.build import build_plan
from raysim.core.plan.question_supply import supply_warnings
from raysim.simplatform.config import PlatformConfig
from raysim.simplatform.embedded import embedded_config
from raysim.yaml_text import parse_documents
from tests.unit.docs.shell import Block, blocks
from tests.unit.test_prose import PAGES, ROOT, names

if TYPE_CHECKING:
    from raysim.core.config.reading import Findings

#: keys and kinds of other programs' files: Prometheus, its operator
OTHERS = {"scrape_configs", "PodMonitor"}
SPEC_KEYS = {field.alias or name for name, field in Spec.model_fields.items()}
BLOCKS = [(page, block) for page in PAGES for block in blocks(page) if block.language == "yaml"]
COOKBOOK = ROOT / "docs" / "cookbook.md"


def scenario_in(document: Any) -> dict[str, Any] | None:
    """The scenario that a block is, or is a part of; None for other files."""
    if not isinstance(document, dict):
        return None
    head = {"apiVersion": API_VERSION, "kind": KIND}
    if document.get("kind", KIND) == KIND and ("spec" in document or "kind" in document):
        return head | document
    return head | {"spec": document} if document.keys() <= SPEC_KEYS else None


def examined(block: Block) -> tuple[Any, Findings | None]:
    (document,) = parse_documents(block.text)
    scenario = scenario_in(document)
    return document, None if scenario is None else examine_document(scenario)


def is_somebody_else_s(document: Any) -> bool:
    """Steps of a workflow are a list; nothing of raysim's is."""
    return isinstance(document, list) or bool({*document, document.get("kind")} & OTHERS)


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[f"{names(page)}:{b.line}" for page, b in BLOCKS])
def test_a_block_is_valid(block: Block) -> None:
    document, findings = examined(block)
    if findings is not None:
        assert findings.scenario is not None, [str(problem) for problem in findings.errors]
        embedded_config(findings.scenario.spec.targets.simulated)
        build_plan(findings.scenario, "run", started="20260101-000000")
    elif not is_somebody_else_s(document):
        PlatformConfig.model_validate(document)


def test_the_cookbook_s_scenarios_are_named_and_without_warnings() -> None:
    found = [(block, *examined(block)) for page, block in BLOCKS if page == COOKBOOK]
    assert len(found) >= 12
    for block, _, findings in found:
        assert findings is not None
        assert findings.scenario is not None
        assert block.text.splitlines()[0] == f"# {findings.scenario.metadata.name}.yaml"
        plan = build_plan(findings.scenario, "run", started="20260101-000000")
        warnings = [str(warning) for warning in (*findings.warnings, *supply_warnings(plan))]
        # how many keys a file holds is not known before the run
        assert [warning for warning in warnings if "apiKeys" not in warning] == []


def test_the_cookbook_s_commands_are_about_its_scenarios() -> None:
    text = COOKBOOK.read_text(encoding="utf-8")
    shown = {word for block in blocks(COOKBOOK) if not block.language for word in block.text.split() if ".yaml" in word}
    assert shown - {f"{line[2:]}" for line in text.splitlines() if line.startswith("# ")} == set()


@pytest.mark.parametrize("wrong", ["spec: {usrs: {}}", "limits: {maxCostUsd: much}"])
def test_a_wrong_block_would_be_found(wrong: str) -> None:
    _, findings = examined(Block("yaml", wrong, 1))
    assert findings is not None
    assert findings.errors
