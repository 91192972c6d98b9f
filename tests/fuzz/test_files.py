"""Damaged files of every kind: one plain line and an exit code, never a traceback, never no end."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.cli.command import wse
from tests.fuzz.mutations import Kind, damaged, kinds
from wse_emulator.cli import progress

CODES = {0, 2, 3, 4}
MOST_CPU_SECONDS = 60.0
"""Of one command, in time of this process alone: the good ones take a tenth of a second."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Kind]]:
    """The kinds of file, in a folder that the commands run in."""
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(progress, "SILENT_SECONDS", 3600.0)
        yield kinds(folder)


class NoEndError(BaseException):
    """A command has taken all the time that it may; no handler of errors catches it."""


@contextmanager
def an_end() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise NoEndError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def attack(kind: Kind, seed: int) -> None:
    """Give a command the file with the faults of a seed."""
    draw = random.Random(seed)
    content = damaged(kind, draw)
    path = Path(kind.file)
    whole = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    beside = path.with_suffix(".json")
    note = beside.read_bytes() if kind.name == "arrays" else None
    if note is not None:  # so that the arrays themselves are looked at
        document = json.loads(note)
        document["arrays"]["sha256"] = hashlib.sha256(content).hexdigest()
        beside.write_text(json.dumps(document))
    told = f"{kind.name}, seed {seed}: {content[:2000]!r}"
    try:
        with an_end(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = wse(*kind.command)
    except (Exception, NoEndError) as error:
        raise AssertionError(told) from error
    finally:
        path.unlink() if whole is None else path.write_bytes(whole)
        if note is not None:
            beside.write_bytes(note)
    assert answer.code in CODES, told
    if answer.code == 2 and not answer.output:
        lines = answer.error.splitlines()
        assert len(lines) == 1, (told, answer.error)
        assert lines[0].startswith("wse: "), (told, answer.error)


def test_the_files_are_good_before_they_are_damaged(files: list[Kind]) -> None:
    for kind in files:
        path = Path(kind.file)
        whole = path.read_bytes() if path.exists() else None
        path.write_bytes(kind.content)
        answer = wse(*kind.command)
        assert answer.code == 0, (kind.name, answer)
        path.unlink() if whole is None else path.write_bytes(whole)


def test_damaged_files_are_one_line(files: list[Kind]) -> None:
    """300 files; the search of 6,000 is of `make test-deep`."""
    for seed in range(300):
        attack(files[seed % len(files)], seed)


@pytest.mark.deep
@pytest.mark.parametrize("part", range(12))
def test_many_damaged_files_are_one_line(files: list[Kind], part: int) -> None:
    for seed in range(1_000 + 500 * part, 1_500 + 500 * part):
        attack(files[seed % len(files)], seed)
