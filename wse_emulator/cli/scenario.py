"""``wse scenario``: run one of the scenario scripts."""

from __future__ import annotations

import click

from wse_emulator.questions.scenario import scenario as run_scenario


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
    return run_scenario(name, *arguments)
