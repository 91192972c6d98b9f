"""``wse scenario``: run one of the scenario scripts."""

from __future__ import annotations

import importlib

import click

from wse_emulator.cli.scenarios import scenario_names
from wse_emulator.errors import UnknownNameError, near


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    }
)
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def scenario(name: str, arguments: tuple[str, ...]) -> int:
    """Run the scenario NAME; what follows is passed to it.

    \b
    Examples:
      wse scenarios
      wse scenario small_mlp_trains --steps 50
      wse scenario gpt2_xl_adamw --out report
    """
    chosen = name.removesuffix(".py").replace("-", "_")
    if chosen not in scenario_names():
        raise UnknownNameError(
            f"unknown scenario {name!r}{near(chosen, scenario_names())}; there are "
            f"{', '.join(scenario_names())}"
        )
    main = importlib.import_module(f"scenarios.{chosen}").main
    assert isinstance(main, click.Command)
    code = main.main(args=list(arguments), prog_name=f"wse scenario {name}", standalone_mode=False)
    return code if isinstance(code, int) else 0
