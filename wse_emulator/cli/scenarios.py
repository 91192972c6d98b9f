"""``wse scenarios``: list the scenario scripts."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.terminal.scenarios import print_scenarios


def scenario_names() -> list[str]:
    """Names of the scripts, in alphabetical order."""
    return sorted(_files())


def scenario_question(name: str) -> str:
    """The question a script answers: the first paragraph of its docstring, not run."""
    tree = ast.parse(_files()[name].read_text(encoding="utf-8"))
    return " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())


def _files() -> dict[str, Path]:
    spec = importlib.util.find_spec("scenarios")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    return {
        module.name: Path(folder) / f"{module.name}.py"
        for folder in folders
        for module in pkgutil.iter_modules([folder])
        if not module.name.startswith("_")
    }


@click.command()
@json_option("the list")
@force_option
def scenarios(json_path: str | None, force: bool) -> None:
    """List the scenario scripts and the question each answers.

    \b
    Example:
      wse scenarios
    """
    found = {name: scenario_question(name) for name in scenario_names()}
    if json_path is not None:
        entries = [{"name": name, "question": question} for name, question in found.items()]
        document = {"schema": "wse-scenarios/1", "scenarios": entries}
        write_json(json_path, document, force=force)
    if json_path != STDOUT:
        print_scenarios(found)
