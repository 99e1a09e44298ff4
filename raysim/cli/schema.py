"""`raysim schema`: the scenario's JSON Schema."""

from __future__ import annotations

import json

import click

from raysim.core.config.reference import json_schema


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of scenario files, for editors that complete and check them.

    With the YAML extension of VS Code: save it as raysim.schema.json and start the scenario with
    `# yaml-language-server: $schema=raysim.schema.json`.
    """
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
