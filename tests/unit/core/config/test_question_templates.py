from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from raysim.core.behaviour.custom_template import CustomTemplate
from raysim.core.behaviour.phrasebook import phrasebook
from raysim.core.config.reading import read_scenario
from raysim.core.config.reference import json_schema
from tests.unit.core.config.documents import document, errors_of, warnings_of

STRATEGY = {"questionStrategies": [{"name": "mixed"}, {"name": "template"}]}
TEMPLATES = "spec.advanced.questionTemplates"


def errors(*templates: object) -> dict[str, str]:
    return errors_of(userBehavior=STRATEGY, advanced={"questionTemplates": list(templates)})


def test_a_template_is_a_text_or_a_mapping() -> None:
    mapping = {"text": "{a} {n: 1..3}", "weight": 4, "variables": {"a": ["x", 2, 0.5]}}
    spec = document(userBehavior=STRATEGY, advanced={"questionTemplates": ["Ticket {10..99}?", mapping]})
    found = read_scenario(spec).spec.advanced.question_templates
    assert [template.to_template() for template in found] == [
        CustomTemplate("Ticket {10..99}?"),
        CustomTemplate("{a} {n: 1..3}", 4, (("a", ("x", "2", "0.5")),)),
    ]
    assert [template.to_template().compiled().size for template in found] == [90, 9]


def test_tables_of_raysim_can_be_used_and_replaced() -> None:
    assert CustomTemplate("{city} in {city.country}").compiled().size > 500
    assert CustomTemplate("{city}", variables=(("city", ("here", "there")),)).compiled().size == 2


@pytest.mark.parametrize(
    ("template", "key", "message"),
    [
        ("Why {x}?", ".text", "{x} is no variable of this template and none of raysim's tables; known: city,"),
        ({"text": "{x} {y}", "variables": {"x": ["1"]}}, ".text", "known: x, city"),
        ("{city.mayor}", ".text", "cities has no column 'mayor'; it has name, country, feature"),
        ("a { b", ".text", "a brace without its other half"),
        ("{9..1}", ".text", "holds no numbers"),
        ("{subject}?", ".text", "{subject} has a meaning in raysim's own questions only"),
        ("", ".text", "is empty"),
        ({"variables": {"a": ["x"]}}, ".text", "is required"),
        ({"text": "a", "variables": {"b": ["x"]}}, ".variables", "b is not used by the text"),
        ({"text": "{b}", "variables": {"b": []}}, ".variables.b", "is empty; give at least one"),
        ({"text": "{b}", "variables": {"b": "x"}}, ".variables.b", "expected a list"),
        ({"text": "{b}", "variables": {"b": [True]}}, ".variables.b[0]", "found true; expected a text"),
        ({"text": "a", "weight": 0}, ".weight", "expected at least 1"),
        ({"text": "a", "wieght": 2}, ".wieght", "is no known key"),
        (7, "", "found 7; expected a mapping"),
    ],
)
def test_what_is_wrong_with_a_template_is_said_with_its_place(template: Any, key: str, message: str) -> None:
    found = errors("fine {1..9}", template)
    assert list(found) == [f"{TEMPLATES}[1]{key}"]
    assert message in found[f"{TEMPLATES}[1]{key}"]


def test_a_variable_needs_a_name_that_can_stand_in_braces() -> None:
    found = errors({"text": "x {ok}", "variables": {"ok": [1], "not-ok": [1]}})
    assert "found the name 'not-ok'" in found[f"{TEMPLATES}[0].variables"]


def test_strategy_template_needs_templates() -> None:
    found = errors_of(userBehavior=STRATEGY)
    assert list(found) == ["spec.userBehavior.questionStrategies[1].name"]
    assert "spec.advanced.questionTemplates" in "".join(found.values())


def test_templates_that_nobody_asks_are_said() -> None:
    assert list(warnings_of(advanced={"questionTemplates": ["a {1..5}"]})) == [TEMPLATES]
    unused = {"questionStrategies": [{"name": "mixed"}, {"name": "template", "weight": 0}]}
    assert list(warnings_of(userBehavior=unused, advanced={"questionTemplates": ["a {1..5}"]})) == [TEMPLATES]
    assert warnings_of(userBehavior=STRATEGY, advanced={"questionTemplates": ["a {1..5}"]}) == {}


def test_the_schema_knows_both_forms() -> None:
    text, mapping = json_schema()["$defs"]["QuestionTemplateSpec"]["anyOf"]
    assert text == {"type": "string"}
    assert set(mapping["properties"]) == {"text", "weight", "variables"}


def test_the_documented_example_is_valid() -> None:
    page = (Path(__file__).parents[4] / "docs" / "questions.md").read_text(encoding="utf-8")
    spec = yaml.safe_load(page.split("```yaml")[1].split("```")[0])["spec"]
    ticket, order = read_scenario(document(**spec)).spec.advanced.question_templates
    assert ticket.to_template().compiled().size == 99_000 * len(phrasebook("shared").rows("role"))
    assert order.to_template().compiled().size == 3 * 3 * 900_000 * 89
