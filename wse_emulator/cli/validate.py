"""``wse validate``: hold the machine model against published figures."""

from __future__ import annotations

from pathlib import Path

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.questions.validate import (
    compare_records,
    read_measurements,
    report_document,
)
from wse_emulator.terminal.validate import print_validation


@click.command()
@click.option("--data", metavar="FILE", help="Measurements to compare with (JSON).")
@click.option("--bounds", is_flag=True, help="Show the published formula beside the simulation.")
@json_option("the errors")
@force_option
@quiet_option
def validate(
    data: str | None, bounds: bool, json_path: str | None, force: bool, quiet: bool
) -> None:
    """Hold the machine against published figures, record by record.

    Errors are fractions of the published value. Records whose machine took its rates from the
    same source are scored apart, as consistency.

    \b
    Examples:
      wse validate
      wse validate --bounds
      wse validate --data mine.json --json errors.json
    """
    records = read_measurements(None if data is None else Path(data))
    with telling(len(records), quiet=quiet) as tell:
        report = compare_records(records, tell)
    if json_path is not None:
        write_json(json_path, report_document(report, bounds=bounds), force=force)
    if json_path != STDOUT:
        print_validation(report, bounds)
