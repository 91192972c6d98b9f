"""``wse validate``: hold the machine model against published figures."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.questions.validate import (
    compare_records,
    read_measurements,
    report_document,
)
from wse_emulator.questions.validate.report import SUMMED_BY, Grouping
from wse_emulator.terminal.validate import print_validation


@click.command()
@click.option("--data", metavar="FILE", help="Measurements to compare with (JSON).")
@click.option(
    "--group",
    type=click.Choice(list(SUMMED_BY)),
    default="operation",
    help="By what errors are summed up; training compares whole training steps.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a figure of machines."
)
@click.option("--records", is_flag=True, help="Show each record, its source and assumptions.")
@click.option("--bounds", is_flag=True, help="Show the published formula beside each record.")
@json_option("the errors")
@force_option
@quiet_option
def validate(
    data: str | None,
    group: str,
    settings: tuple[str, ...],
    records: bool,
    bounds: bool,
    json_path: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Hold the machine against published figures, record by record.

    Errors are fractions of the published value. Records that gave a coefficient, contested ones
    and those that repeat a figure are compared and not scored; records whose machine took its
    rates from the same source are scored apart, as consistency. Beside the machine's errors stand
    those of two numbers, constant + slope x size, fitted to the same records. A record without a
    mechanism is listed with the reason. --set changes a figure of every machine, to see what the
    agreement rests on.

    \b
    Examples:
      wse validate
      wse validate --records --bounds
      wse validate --data mine.json --json errors.json
      wse validate --group training
      wse validate --set step_launch_cycles=16
    """
    found = read_measurements(None if data is None else Path(data))
    with telling(len(found), quiet=quiet) as tell:
        by = cast("Grouping", group)  # click has checked it
        report = compare_records(found, tell, group=by, set=settings)
    if json_path is not None:
        write_json(json_path, report_document(report, bounds=bounds), force=force)
    if json_path != STDOUT:
        print_validation(report, bounds=bounds, records=records)
