"""``plot``: one picture of a result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, overload

from matplotlib.figure import Figure

from wse_emulator.errors import InputError, OutputError
from wse_emulator.questions.saved.again import explained
from wse_emulator.questions.saved.compare import side
from wse_emulator.questions.saved.pictures import picture
from wse_emulator.results.answer import Answer, StepAnswer, StyleName
from wse_emulator.results.explain import Explanation
from wse_emulator.results.files import result_file
from wse_emulator.results.folder import write_files
from wse_emulator.results.run import RunResult
from wse_emulator.tell import Tell, silent
from wse_emulator.views import bottlenecks
from wse_emulator.views.catalog import VIEWS, check_view_name
from wse_emulator.views.page import FORMATS, render
from wse_emulator.views.replay import REPLAY, REPLAY_FORMATS, replay
from wse_emulator.views.style import Style, style_named

DATA_FORMAT: Final = "csv"


@overload
def plot(
    result: Answer | str | Path,
    view: str = "",
    *,
    out: None = None,
    style: StyleName = "light",
    force: bool = False,
    tell: Tell | None = None,
) -> Figure: ...
@overload
def plot(
    result: Answer | str | Path,
    view: str = "",
    *,
    out: str | Path,
    style: StyleName = "light",
    force: bool = False,
    tell: Tell | None = None,
) -> Path: ...
def plot(
    result: Answer | str | Path,
    view: str = "",
    *,
    out: str | Path | None = None,
    style: StyleName = "light",
    force: bool = False,
    tell: Tell | None = None,
) -> Figure | Path:
    """Draw one picture of a result: return it, or write it to a file.

    Args:
        result: a result, or the folder that a run or a fit was saved in.
        view: name of the picture; ``wse plot --list`` says what each answers, and the message of
            the error for an unknown name lists them.
        out: write it to this file. The ending chooses PNG, SVG or CSV (the data), for ``replay``
            GIF or MP4.
        style: ``light`` or ``dark``.
        force: replace a file that is there.
        tell: called with the name of each part as it begins.

    Returns:
        The figure, which a notebook shows; or, with ``out``, the path that was written.

    Raises:
        UnknownNameError: no such view or style.
        OutputError: the file cannot be written, or is there and ``force`` is not given.
        ResultFileError: the folder holds no result.

    Example:
        >>> result = wse_emulator.run(torch.nn.Linear(64, 64), wafer="wse2:8x8")
        >>> wse_emulator.plot(result, "memory").axes[0].get_xlabel()
        'KiB in one PE'
    """
    tell = tell or silent
    saved = isinstance(result, str | os.PathLike)
    if saved or isinstance(result, StepAnswer):
        check_view_name(view)  # refused before a large result is read
    chosen = style_named(style)
    if out is not None:
        file_kind(view, Path(out))
    if saved:
        tell(f"reading {result}")
    answer = side(result) if saved else result
    if not isinstance(answer, Answer):
        raise InputError(f"a value of type {type(answer).__name__} is no result that can be drawn")
    if out is None:
        tell(f"drawing {view}")
        return picture(answer, view, chosen.name)
    target = Path(out)
    source = str(result_file(Path(str(result)))) if saved else "this result"
    content = picture_file(answer, view, file_kind(view, target), chosen, source=source, tell=tell)
    return write_files(target.parent, {target.name: content}, force=force)[0]


def file_kind(view: str, target: Path) -> str:
    """The format that the ending of a file's name chooses.

    Raises:
        OutputError: none that the view has.
    """
    kinds = _kinds(view)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise OutputError(
            f"cannot tell the format of {target}: for this view the name must end in "
            f"{', '.join('.' + k for k in kinds)}"
            f"{'; its data are the arrays in run.npz' if kind == DATA_FORMAT else ''}"
        )
    return kind


def _kinds(view: str) -> tuple[str, ...]:
    """The formats in which a view is written, its own one first."""
    if view == REPLAY:
        return REPLAY_FORMATS
    no_table = view in VIEWS and VIEWS[view].table is None
    return tuple(FORMATS) if no_table else (*FORMATS, DATA_FORMAT)


def picture_file(
    answer: Answer, view: str, kind: str, style: Style, *, source: str, tell: Tell = silent
) -> bytes:
    """The content of a picture's file.

    Args:
        answer: what is drawn.
        view: name of the picture.
        kind: as :func:`file_kind` says.
        style: colours.
        source: the file of the result, for messages.
        tell: called with the name of each part as it begins.

    Raises:
        InputError: the view has no data of its own, or its step cannot be emulated again.
    """
    if view == REPLAY:
        return replay(side(answer), kind, style, tell)
    if view == bottlenecks.NAME and isinstance(answer, RunResult):
        explanation = explained(answer, tell, source=source) if answer.steps else None
        return _bottlenecks(answer, explanation, kind, style, tell)
    tell(f"drawing {view}")
    if kind != DATA_FORMAT:
        return render(picture(answer, view, style.name), style, kind)
    table = VIEWS[view].table if view in VIEWS else None
    if table is None:
        raise InputError(f"no CSV is made of this picture; {type(answer).__name__} has tables()")
    return table(side(answer)).csv()


def _bottlenecks(
    result: RunResult, explanation: Explanation | None, kind: str, style: Style, tell: Tell
) -> bytes:
    """The result's step, repeated with each limit lifted: the picture or its data."""
    tell(f"drawing {bottlenecks.NAME}")
    if kind == DATA_FORMAT:
        return bottlenecks.bottlenecks_table(explanation).csv()
    return render(bottlenecks.figure_bottlenecks(result, explanation, style), style, kind)
