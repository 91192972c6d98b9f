"""``scenarios``: the scripts that answer a question each."""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from pathlib import Path


def scenarios() -> dict[str, str]:
    """List the scenario scripts: the name of each, and the question that it answers.

    Example:
        >>> print(wse_emulator.scenarios()["small_mlp_trains"])
        Does a network really train on the emulator, and do its numbers stay those of PyTorch?
    """
    return {name: scenario_question(name) for name in scenario_names()}


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
