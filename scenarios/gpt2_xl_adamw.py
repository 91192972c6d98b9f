"""How long does one AdamW step of GPT-2 XL take on a whole WSE-2, and does it fit?

1,557,611,200 parameters in 580 tensors, weights, gradients and both moments in float32 on the
wafer, under 2,000 steps of linear warm-up and a cosine decay after it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

import wse_emulator
from wse_emulator.cli.main import run_command
from wse_emulator.cli.run import report_run
from wse_emulator.report.folder import check_report_folder

# The rate and warm-up are those of the GPT-2 family's published run configs for this size.
SCHEDULE = "linear:0:2.5e-4:2000,cosine_decay:2.5e-4:0:98000"


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports/gpt2-xl-adamw"),
    show_default=True,
    help="Report folder.",
)
@click.option("--force", is_flag=True, help="Replace files of an earlier report.")
@click.option("--model", default="gpt2-xl", show_default=True, help="Another model to ask about.")
@click.option("--wafer", default="wse2", show_default=True, help="Another machine.")
def main(out: Path, force: bool, model: str, wafer: str) -> int:
    """One AdamW step of GPT-2 XL on a whole WSE-2: fit, time, utilization, pictures."""
    check_report_folder(out, force=force)
    result = wse_emulator.run(
        model,
        optimizer="AdamW",
        lr_schedule=SCHEDULE,
        options={"weight_decay": 0.01},
        wafer=wafer,
        command=f"wse run {model} --optimizer AdamW -o weight_decay=0.01 --wafer {wafer} "
        f"--lr-schedule {SCHEDULE} --out {out}",
    )
    return report_run(result, out, force=force)


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:], "gpt2_xl_adamw"))
