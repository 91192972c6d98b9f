"""What a command prints, taken at the one door to the screen, beside the values in its JSON."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.table import Table

from wse_emulator.cli.main import exit_code_of
from wse_emulator.terminal import say

_FILES = itertools.count()


@dataclass(frozen=True)
class Heard:
    """One command: what was typed, said and written.

    Attributes:
        words: after ``wse``, without ``--json``.
        code: the exit code.
        paragraphs: what was printed as sentences, captions of tables among them.
        tables: what was printed as tables.
        document: the JSON that the command wrote; empty if it wrote none.
        outside: what reached the screen by another way than the door.
        error: what was written to standard error.
    """

    words: tuple[str, ...]
    code: int
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...] = field(repr=False)
    document: dict[str, object] = field(repr=False)
    outside: str
    error: str

    def value(self, flag: str) -> str | None:
        """What was typed after a flag."""
        return self.words[self.words.index(flag) + 1] if flag in self.words else None


def hear(folder: Path, *words: str, as_json: bool = True) -> Heard:
    """Run ``wse WORDS`` and listen."""
    target = folder / f"answer{next(_FILES)}.json"
    said: list[object] = []
    screen, error = io.StringIO(), io.StringIO()
    more = ("--json", str(target)) if as_json else ()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(error),
    ):
        printed = _listen(patch, screen, said)
        code = exit_code_of([*words, *more])
    tables = tuple(one for one in said if isinstance(one, Table))
    captions = (str(one.caption).strip() for one in tables if one.caption)
    return Heard(
        words=words,
        code=code,
        paragraphs=(*(one for one in said if isinstance(one, str) and one), *captions),
        tables=tables,
        document=json.loads(target.read_text()) if target.is_file() else {},
        outside=_unheard(screen.getvalue(), printed),
        error=error.getvalue(),
    )


def _listen(patch: pytest.MonkeyPatch, screen: io.StringIO, said: list[object]) -> list[str]:
    """Note everything that passes the door, and the text that it becomes."""
    printed: list[str] = []
    original = say._Terminal.print

    def heard(self: say._Terminal, *objects: object) -> None:
        before = len(screen.getvalue())
        original(self, *objects)
        said.extend(objects)
        printed.append(screen.getvalue()[before:])

    patch.setattr(say._Terminal, "print", heard)
    return printed


def _unheard(screen: str, printed: list[str]) -> str:
    """What is on the screen beside what passed the door."""
    return screen.replace("".join(printed), "", 1)


def cells(table: Table) -> Iterator[tuple[str, ...]]:
    """The rows of a table as text."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    yield from zip(*columns, strict=True)
