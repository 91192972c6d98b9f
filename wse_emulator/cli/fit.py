"""``wse fit``: say whether a model fits in on-wafer memory, and why."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from wse_emulator.cli.options import parse_options, typed_command
from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.cli.progress import quiet_option, telling
from wse_emulator.errors import DoesNotFitError
from wse_emulator.inputs.optimizer import DEFAULT_OPTIMIZER
from wse_emulator.inputs.precision import POLICIES, STORAGE_DTYPES, Precision, parse_precision
from wse_emulator.inputs.read import Mode, parse_micro_batch, parse_sparsity
from wse_emulator.questions.fit import fit as judge_fit
from wse_emulator.questions.fit.solve import SOLVABLE
from wse_emulator.terminal.fit import print_report
from wse_emulator.wafer.parse import parse_wafer

_DTYPE = click.Choice(STORAGE_DTYPES)


@click.command()
@click.argument("model")
@click.option(
    "--optimizer", help=f"Optimizer class, any case; default: {DEFAULT_OPTIMIZER}, or the config's."
)
@click.option("--lr", type=float, help="Learning rate, where the optimizer has no default.")
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the optimizer, as -o momentum=0.9.",
)
@click.option("--batch-size", type=int, metavar="N", help="Samples a step; counts activations.")
@click.option("--seq-len", type=int, metavar="N", help="Tokens a sample; default: the model's.")
@click.option("--target-len", type=int, metavar="N", help="Tokens of an encoder-decoder's target.")
@click.option(
    "--micro-batch",
    metavar="N",
    default="auto",
    show_default=True,
    help="Samples that move together.",
)
@click.option(
    "--recompute",
    metavar="auto|none|full|N",
    default="auto",
    show_default=True,
    help="Layers that run forward again in backward, from the first.",
)
@click.option(
    "--sparsity",
    metavar="FRACTION|FILE",
    help="Part of the layers' matrices left out, or an .npz of boolean masks by name.",
)
@click.option(
    "--precision",
    type=click.Choice(POLICIES),
    help="What is stored in which dtype; default: as the model's parameters are.",
)
@click.option("--compute-dtype", type=_DTYPE, help="Activations, and weights as layers read them.")
@click.option("--parameter-dtype", type=_DTYPE, help="Weights as the optimizer updates them.")
@click.option("--gradient-dtype", type=_DTYPE, help="Gradients kept for the step.")
@click.option("--state-dtype", type=_DTYPE, help="Optimizer state.")
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="pipelined",
    show_default=True,
    help="All layers on the wafer at once, or weights streamed in layer by layer.",
)
@click.option(
    "--wafer",
    default="wse2",
    show_default=True,
    help="wse1, wse2, wse3, one cut to rows x columns (wse2:64x48), or a machine file.",
)
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Change a field.")
@click.option("--levers/--no-levers", default=True, show_default=True, help="Say what would help.")
@click.option("--all-optimizers", is_flag=True, help="Judge every optimizer, as a table.")
@click.option(
    "--solve",
    "solve_for",
    type=click.Choice(SOLVABLE),
    help="Find the largest that fits, everything else as given.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw the answer: a page and pictures of the memory.",
)
@click.option("--force", is_flag=True, help="Replace files of an earlier report in DIR.")
@click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON ('-': stdout).")
@quiet_option
def fit(
    model: str,
    optimizer: str | None,
    lr: float | None,
    options: tuple[str, ...],
    batch_size: int | None,
    seq_len: int | None,
    target_len: int | None,
    micro_batch: str,
    recompute: str,
    sparsity: str | None,
    precision: str | None,
    compute_dtype: str | None,
    parameter_dtype: str | None,
    gradient_dtype: str | None,
    state_dtype: str | None,
    mode: Mode,
    wafer: str,
    settings: tuple[str, ...],
    levers: bool,
    all_optimizers: bool,
    solve_for: str | None,
    out: Path | None,
    force: bool,
    json_path: str | None,
    quiet: bool,
) -> int:
    """Say whether MODEL's training state fits in on-wafer memory, PE by PE.

    MODEL is a built-in name (wse models), a shapes file (JSON), a Hugging Face config.json, a run
    config (YAML), or module:factory. Nothing of it is allocated.

    \b
    Examples:
      wse fit gpt2-xl --optimizer AdamW
      wse fit llama2-70b --wafer wse3 --json -
      wse fit llama2-70b --mode weight-streaming --out report
      wse fit gpt2-large --batch-size 80 --precision mixed
      wse fit gpt-j-6b --batch-size 40 --mode weight-streaming --solve batch

    Exit codes: 0 fits, 2 wrong usage or input, 3 does not fit, 4 breaks a
    static-state rule.
    """
    if out is not None:
        from wse_emulator.report import fit as fit_pictures  # noqa: PLC0415 - slow, for pictures alone

        fit_pictures.check_fit_folder(out, force=force)
    wrote = ""
    with telling(None, quiet=quiet) as tell:
        report = judge_fit(
            model,
            optimizer=optimizer,
            lr=lr,
            options=parse_options(options),
            wafer=parse_wafer(wafer, settings),
            mode=mode,
            precision=_precision(
                precision, compute_dtype, parameter_dtype, gradient_dtype, state_dtype
            ),
            batch_size=batch_size,
            sequence=seq_len,
            target=target_len,
            micro_batch=parse_micro_batch(micro_batch),
            recompute=recompute,
            sparsity=parse_sparsity(sparsity),
            levers=levers,
            optimizers=all_optimizers,
            solve_for=solve_for,
            command=typed_command(),
            tell=tell,
        )
        if out is not None:
            wrote = fit_pictures.draw(report, out, force=force, tell=tell)
    if json_path is not None:
        write_json(json_path, report.document())
    if json_path != STDOUT:
        print_report(report)
        if wrote:
            click.echo(f"\n{wrote}")
    return 0 if report.fits else DoesNotFitError.exit_code


def _precision(
    policy: str | None,
    compute: str | None,
    parameter: str | None,
    gradient: str | None,
    state: str | None,
) -> Precision | None:
    if policy is None and compute is None and parameter is None and gradient is state is None:
        return None
    return parse_precision(
        policy or "float32",
        compute=compute,
        parameter=parameter,
        gradient=gradient,
        state=state,
    )
