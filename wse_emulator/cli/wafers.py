"""``wse wafers``: list the machines."""

from __future__ import annotations

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.terminal.wafers import print_machine, print_overview
from wse_emulator.wafer import PRESETS, machine_document, parse_wafer


@click.command()
@click.argument("wafer", required=False)
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a figure.")
@json_option("the list, or the machine,")
@force_option
def wafers(
    wafer: str | None, settings: tuple[str, ...], json_path: str | None, force: bool
) -> None:
    """List the machines, or show one with the source of every figure.

    WAFER is a preset, a machine file (JSON), or either cut to rows x columns.

    \b
    Examples:
      wse wafers
      wse wafers wse2
      wse wafers wse2:64x48 --set hop_cycles=2 --json my-machine.json
    """
    if wafer is None and settings:
        raise click.UsageError("--set changes one machine; name it, as wse wafers wse2 --set ...")
    if wafer is None:
        specs = list(PRESETS.values())
        if json_path is not None:
            machines = [machine_document(spec) for spec in specs]
            write_json(json_path, {"schema": "wse-wafers/1", "wafers": machines}, force=force)
        if json_path != STDOUT:
            print_overview(specs)
        return
    spec = parse_wafer(wafer, settings)
    if json_path is not None:
        write_json(json_path, machine_document(spec), force=force)
    if json_path != STDOUT:
        print_machine(spec)
