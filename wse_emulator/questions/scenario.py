"""``scenario``: run one of the scripts."""

from __future__ import annotations

import importlib

import click

from wse_emulator.errors import UnknownNameError, near
from wse_emulator.questions.scenarios import scenario_names


def scenario(name: str, *arguments: str) -> int:
    """Run a scenario script, which prints its answer.

    Args:
        name: of the script; :func:`wse_emulator.scenarios` lists them.
        arguments: what is passed to it, as on the command line.

    Returns:
        Its exit code.

    Raises:
        UnknownNameError: there is no such script.
        WseError: as the script says.

    Example:
        >>> wse_emulator.scenario("static_rules", "--help")
        Usage: ...
        0
    """
    chosen = str(name).removesuffix(".py").replace("-", "_")
    if chosen not in scenario_names():
        raise UnknownNameError(
            f"unknown scenario {name!r}{near(chosen, scenario_names())}; there are "
            f"{', '.join(scenario_names())}"
        )
    main = importlib.import_module(f"scenarios.{chosen}").main
    assert isinstance(main, click.Command)
    code = main.main(args=list(arguments), prog_name=f"wse scenario {name}", standalone_mode=False)
    return code if isinstance(code, int) else 0
