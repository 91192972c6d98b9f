"""What every result can do for a Python user: say itself, save itself, give tables and pictures.

Results are values of a lower floor, and what writes sentences, tables, pictures and folders stands
above them. So the methods are declared here, and each imports the function that does its work, from
:mod:`wse_emulator.methods` or :mod:`wse_emulator.questions.saved`, when it is called. No other file
of the package imports upwards; the import contract in ``pyproject.toml`` names this one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wse_emulator.tell import Tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from wse_emulator.results.compare import Comparison
    from wse_emulator.results.explain import Explanation

TableRow = dict[str, object]
"""One row of a table: column -> value; the unit stands in the column's name."""

StyleName = Literal["light", "dark"]
"""Colours of pictures, for a light or a dark page."""


class Answer:
    """A result with the methods that all results have."""

    __slots__ = ()

    def __str__(self) -> str:
        """The sentences that the command prints first, each on a line."""
        from wse_emulator.methods.words import sentences  # noqa: PLC0415 - see the module

        return "\n".join(filter(None, sentences(self)))

    def __repr__(self) -> str:
        """The sentences in one line, after the name of the type."""
        lines = (line.strip() for line in str(self).splitlines())
        said = " ".join(line if line.endswith(".") else f"{line}." for line in lines if line)
        return f"<{type(self).__name__}: {said}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from wse_emulator.methods.card import card  # noqa: PLC0415 - see the module

        return card(self)

    def document(self) -> dict[str, object]:
        """The JSON document that ``--json`` of the command writes."""
        raise NotImplementedError(type(self).__name__)

    def tables(self) -> dict[str, DataFrame | list[TableRow]]:
        """The numbers of the result by table: a DataFrame each if pandas is installed, else rows.

        Returns:
            Name of the table -> ``pandas.DataFrame``, or a list of one dict a row. Units stand in
            the names of the columns. A table without rows is left out.
        """
        from wse_emulator.methods.tables import data_tables  # noqa: PLC0415 - see the module

        return data_tables(self)

    def save(self, folder: str | Path, *, force: bool = False) -> list[Path]:
        """Write the result into a folder, whole or not at all.

        A run and a fit write the report that ``--out`` of their commands writes; every other
        result writes its JSON document, its tables as CSV and its pictures.

        Args:
            folder: made if need be.
            force: replace files of an earlier result.

        Returns:
            The paths written.

        Raises:
            OutputError: the folder cannot be written, or a file is there and ``force`` is not
                given; then nothing is written.
        """
        from wse_emulator.methods.save import save  # noqa: PLC0415 - see the module

        return save(self, folder, force=force)


class DrawnAnswer(Answer):
    """A result that has pictures."""

    __slots__ = ()

    def figure(self, view: str = "", *, style: StyleName = "light") -> Figure:
        """Draw one picture of the result; a notebook shows it.

        Args:
            view: name of the picture, as ``wse plot --list`` has it. Without a name, a result
                that has one picture draws it; the message of the error lists the names otherwise.
            style: ``light`` or ``dark``.

        Raises:
            UnknownNameError: the result has no picture of that name; the message lists them.
        """
        from wse_emulator.questions.saved.pictures import picture  # noqa: PLC0415 - see the module

        return picture(self, view, style)


class StepAnswer(DrawnAnswer):
    """A result about one step: it can be explained, and laid beside another.

    The step of a result that a question has just made can be emulated again even if its model was
    a Python object. A copy, and what a file holds, has the question alone.
    """

    __slots__ = ("_repeat",)

    def explain(self, *, tell: Tell | None = None) -> Explanation:
        """Say what limits the step: emulate it again with each limit of the machine lifted.

        Args:
            tell: called with the name of each part as it begins.

        Raises:
            DoesNotFitError: the model does not fit, so that no step has a time.
            InputError: weights stream, so that no step runs on the wafer; or the model was given
                as a Python object and this result is a copy.
        """
        from wse_emulator.questions.saved.again import explained  # noqa: PLC0415 - see the module

        return explained(self, tell)

    def compare(self, other: StepAnswer | str | Path) -> Comparison:
        """Lay another result beside this one: what changed, and what came of it.

        Args:
            other: the result that comes after, or the folder it was saved in.

        Raises:
            InputError: it is no result of a run or a fit.
            ResultFileError: the folder holds none.
        """
        from wse_emulator.questions.saved.again import compared  # noqa: PLC0415 - see the module

        return compared(self, other)


def repeated_by(answer: StepAnswer, repeat: Callable[[Tell], Explanation]) -> None:
    """Keep with an answer how its step is emulated again, as long as it is in memory."""
    object.__setattr__(answer, "_repeat", repeat)


def repeat_of(answer: StepAnswer) -> Callable[[Tell], Explanation] | None:
    """How the answer's step is emulated again; None for one that was copied or read."""
    return getattr(answer, "_repeat", None)
