"""``wse scenarios``: list the scenario scripts."""

from __future__ import annotations

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.questions.scenarios import scenarios as list_scenarios
from wse_emulator.terminal.scenarios import print_scenarios


@click.command()
@json_option("the list")
@force_option
def scenarios(json_path: str | None, force: bool) -> None:
    """List the scenario scripts and the question each answers.

    \b
    Example:
      wse scenarios
    """
    found = list_scenarios()
    if json_path is not None:
        entries = [{"name": name, "question": question} for name, question in found.items()]
        document = {"schema": "wse-scenarios/1", "scenarios": entries}
        write_json(json_path, document, force=force)
    if json_path != STDOUT:
        print_scenarios(found)
