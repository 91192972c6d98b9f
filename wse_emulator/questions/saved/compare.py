"""``compare``: two results side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from wse_emulator.errors import InputError
from wse_emulator.report.fit import result_of_fit
from wse_emulator.results.answer import StepAnswer, StyleName
from wse_emulator.results.compare import Comparison
from wse_emulator.results.compare import compare as lay_side_by_side
from wse_emulator.results.files import read_run
from wse_emulator.results.fit import FitReport
from wse_emulator.results.folder import check_folder, write_files
from wse_emulator.results.preflight import Preflight
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell, silent
from wse_emulator.views.difference import figure_difference
from wse_emulator.views.page import render
from wse_emulator.views.style import style_named

DIFFERENCE_PICTURE: Final = "difference.png"


def compare(
    before: StepAnswer | str | Path,
    after: StepAnswer | str | Path,
    *,
    out: str | Path | None = None,
    style: StyleName = "light",
    force: bool = False,
    tell: Tell | None = None,
) -> Comparison:
    """Lay two results side by side: what was configured otherwise, and what came of it.

    Args:
        before, after: results of :func:`wse_emulator.run` or :func:`wse_emulator.fit`, or the
            folders that they were saved in.
        out: draw the difference into this folder too, as ``difference.png``.
        style: colours of that picture, ``light`` or ``dark``.
        force: replace a picture of an earlier comparison.
        tell: called with the name of each part as it begins.

    Raises:
        InputError: one of the two is no result.
        ResultFileError: a folder holds no result.
        OutputError: the picture cannot be written; nothing is read then.

    Example:
        >>> model = torch.nn.Linear(64, 64)
        >>> before = wse_emulator.run(model, wafer="wse2:8x8")
        >>> after = wse_emulator.run(model, optimizer="SGD", lr=0.1, wafer="wse2:8x8")
        >>> comparison = wse_emulator.compare(before, after)
        >>> [(s.before, s.after) for s in comparison.settings if s.name == "optimizer"]
        [('AdamW', 'SGD')]
    """
    tell = tell or silent
    folder = None if out is None else Path(out)
    chosen = style_named(style)
    if folder is not None:
        check_folder(folder, [DIFFERENCE_PICTURE], force=force)
    sides = []
    for one in (before, after):
        if isinstance(one, str | os.PathLike):
            tell(f"reading {one}")
        sides.append(side(one))
    tell("comparing")
    comparison = lay_side_by_side(sides[0], sides[1])
    if folder is not None:
        tell("drawing the difference")
        picture = render(figure_difference(sides[0], sides[1], chosen), chosen)
        write_files(folder, {DIFFERENCE_PICTURE: picture}, force=force)
    return comparison


def side(result: object) -> RunResult:
    """One side of a comparison: a run, the memory of a fit, or what a folder holds.

    Raises:
        InputError: it is none of them.
        ResultFileError: the folder holds no result.
    """
    if isinstance(result, RunResult):
        return result
    if isinstance(result, FitReport):
        return result_of_fit(result)
    if isinstance(result, Preflight) and result.fit is not None:
        return result_of_fit(result.fit)
    if isinstance(result, str | os.PathLike):
        return read_run(Path(result))
    raise InputError(
        f"a value of type {type(result).__name__} is no result of a run or a fit; give one, or the "
        "folder that it was saved in"
    )
