"""`raysim schema`: the published contracts, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from raysim.core.config.reference import json_schema
from raysim.core.records.schema_json import results_schema
from raysim.report.summary_schema import summary_schema
from raysim.simplatform.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Callable

#: name → what makes the document
CONTRACTS: dict[str, Callable[[], dict[str, Any]]] = {
    "scenario": json_schema,
    "results": results_schema,
    "summary": summary_schema,
    "platform": openapi_document,
}


def contract_text(name: str) -> str:
    """The contract `name` as JSON."""
    return json.dumps(CONTRACTS[name](), indent=2, ensure_ascii=False) + "\n"


@click.command(name="schema")
@click.argument("contract", type=click.Choice(list(CONTRACTS)), default="scenario")
def command(contract: str) -> None:
    """Print a contract as JSON: the JSON Schema of scenario files unless CONTRACT says otherwise.

    `scenario`: for editors that complete and check scenarios. With the YAML extension of VS Code: save it as
    raysim.schema.json and start the scenario with `# yaml-language-server: $schema=raysim.schema.json`.

    `results`: the rows of a run's Parquet files. `summary`: its summary.json.

    `platform`: the simulated platform's OpenAPI document.
    """
    click.echo(contract_text(contract), nl=False)
