"""A result survives the disk; a bad file says what is wrong, in one line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tests.results.factory import make_result, one_pe, tiny, too_large
from tests.results.schema import run_schema
from wse_emulator.errors import OutputError, ResultFileError
from wse_emulator.results.codec import decode
from wse_emulator.results.files import read_run, run_document, run_files, write_run
from wse_emulator.results.run import RunArrays, RunResult, StepFacts


def medium() -> RunResult:
    return make_result(rows=64, cols=48, layers=5, tensors_per_layer=6, steps=3)


CASES = [tiny, one_pe, medium, too_large]


@pytest.mark.parametrize("make", CASES)
def test_reading_gives_back_what_was_written(make: Callable[[], RunResult], tmp_path: Path) -> None:
    result = make()
    write_run(result, tmp_path)
    for path in (tmp_path, tmp_path / "run.json"):
        back = read_run(path)
        for entry in dataclasses.fields(RunResult):
            if entry.name != "arrays":
                assert getattr(back, entry.name) == getattr(result, entry.name), entry.name
        for entry in dataclasses.fields(RunArrays):
            found, expected = (getattr(r.arrays, entry.name) for r in (back, result))
            np.testing.assert_array_equal(found, expected, strict=entry.name != "bin_cycles")


@pytest.mark.parametrize("make", CASES)
def test_the_same_result_gives_the_same_bytes(make: Callable[[], RunResult]) -> None:
    assert run_files(make()) == run_files(make())


def test_the_document_keeps_the_published_keys() -> None:
    document = run_document(medium())
    assert document["schema"] == "wse-run/1"
    parts = {
        "wafer": {"name", "rows", "cols", "pes", "clock_hz", "sram_bytes_per_pe"},
        "model": {"name", "parameters", "tensors"},
        "optimizer": {"name"},
        "utilization": {"pe_busy", "link_busy", "sram_peak"},
        "wall_seconds": {"capture", "place", "simulate", "report"},
    }
    for name, keys in parts.items():
        part = document[name]
        assert isinstance(part, dict)
        assert keys <= part.keys(), name
    lists = {
        "steps": {"step", "learning_rate", "cycles", "seconds"},
        "tensors": {"name", "region", "start_cycle", "end_cycle", "ops"},
    }
    for name, keys in lists.items():
        rows = document[name]
        assert isinstance(rows, list)
        assert all(keys <= row.keys() for row in rows), name
    assert {"engine", "fits", "events", "digest"} <= document.keys()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_model_that_does_not_fit_has_no_steps() -> None:
    document = run_document(too_large())
    assert document["fits"] is False
    assert document["steps"] == []


def test_the_published_schema_is_that_of_the_code() -> None:
    text = files("wse_emulator.results").joinpath("schemas/run-1.json").read_text("utf-8")
    assert json.loads(text) == run_schema(), "run: python -m tests.results.schema"


def test_infinite_numbers_are_words_in_json() -> None:
    document = {"step": 1, "learning_rate": "inf", "cycles": 2, "seconds": 0}
    step = decode(StepFacts, document, "run.json")
    assert step == StepFacts(step=1, learning_rate=float("inf"), cycles=2, seconds=0.0)


def edited(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda p: (p / "run.json").unlink(), "cannot read"),
    "truncated": (
        lambda p: (p / "run.json").write_bytes((p / "run.json").read_bytes()[:200]),
        "not a whole JSON file",
    ),
    "empty": (lambda p: (p / "run.json").write_text(""), "not a whole JSON file"),
    "binary": (lambda p: (p / "run.json").write_bytes(b"\xff\xfe\x00"), "not a whole JSON file"),
    "a list": (lambda p: (p / "run.json").write_text("[1]"), "no result"),
    "no result": (lambda p: (p / "run.json").write_text('{"a": 1}'), "names no schema"),
    "newer": (
        lambda p: edited(p / "run.json", lambda d: d.update(schema="wse-run/2")),
        "this version reads 'wse-run/1'",
    ),
    "another kind": (
        lambda p: edited(p / "run.json", lambda d: d.update(schema="wse-fit/1")),
        "name the result of a wse run",
    ),
    "no wafer": (lambda p: edited(p / "run.json", lambda d: d.pop("wafer")), "lacks the key"),
    "wrong type": (
        lambda p: edited(p / "run.json", lambda d: d.update(fits="yes")),
        "should be true or false",
    ),
    "other size": (
        lambda p: edited(p / "run.json", lambda d: d["wafer"].update(rows=9)),  # type: ignore[attr-defined]  # parsed JSON
        "9 x 4 PEs",
    ),
    "forms of nothing": (
        lambda p: edited(p / "run.json", lambda d: d["forms"].update(functions=[])),  # type: ignore[attr-defined]  # parsed JSON
        "two forms of no function",
    ),
    "unknown form": (
        lambda p: edited(p / "run.json", lambda d: d["forms"].update(form="steps")),  # type: ignore[attr-defined]  # parsed JSON
        "in the form 'steps'",
    ),
    "form of another step": (
        lambda p: edited(p / "run.json", lambda d: d["forms"].update(library_cycles=1)),  # type: ignore[attr-defined]  # parsed JSON
        "not the one in library form",
    ),
    "no arrays": (lambda p: (p / "run.npz").unlink(), "belongs beside run.json"),
    "from --json": (lambda p: edited(p / "run.json", lambda d: d.pop("arrays")), "--json"),
    "cut arrays": (
        lambda p: (p / "run.npz").write_bytes((p / "run.npz").read_bytes()[:-50]),
        "damaged or belongs to another run",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_is_one_plain_line(name: str, tmp_path: Path) -> None:
    write_run(tiny(), tmp_path)
    damage, words = BROKEN[name]
    damage(tmp_path)
    with pytest.raises(ResultFileError, match=r"\A[^\n]*\Z") as caught:
        read_run(tmp_path / "run.json")
    assert words in str(caught.value)


def test_arrays_without_their_names_are_refused(tmp_path: Path) -> None:
    write_run(tiny(), tmp_path)
    with zipfile.ZipFile(tmp_path / "run.npz", "w") as archive:
        archive.writestr("other.npy", b"")
    digest = hashlib.sha256((tmp_path / "run.npz").read_bytes()).hexdigest()
    edited(tmp_path / "run.json", lambda d: d["arrays"].update(sha256=digest))  # type: ignore[attr-defined]  # parsed JSON
    with pytest.raises(ResultFileError, match="does not hold the arrays"):
        read_run(tmp_path)


def test_arrays_of_a_version_that_had_fewer_are_read(tmp_path: Path) -> None:
    write_run(tiny(), tmp_path)
    with np.load(tmp_path / "run.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != "op_cycles"}
    np.savez(tmp_path / "run.npz", **arrays)
    digest = hashlib.sha256((tmp_path / "run.npz").read_bytes()).hexdigest()
    edited(tmp_path / "run.json", lambda d: d["arrays"].update(sha256=digest))  # type: ignore[attr-defined]  # parsed JSON
    result = read_run(tmp_path)
    assert result.arrays.op_cycles.size == 0
    np.testing.assert_array_equal(result.arrays.op_end, tiny().arrays.op_end)


def test_existing_files_stay_without_force(tmp_path: Path) -> None:
    (tmp_path / "run.npz").write_text("mine")
    with pytest.raises(OutputError, match="--force"):
        write_run(tiny(), tmp_path)
    assert (tmp_path / "run.npz").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]
    write_run(tiny(), tmp_path, force=True)
    assert read_run(tmp_path).model.name == "tiny"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to folder"):
        write_run(tiny(), tmp_path / "file" / "report")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_run(tiny(), tmp_path, force=True)


def test_an_interrupt_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tiny(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def interrupted(self: Path, mode: int) -> None:
        if self.name.startswith(".run.json"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_run(make_result(layers=2), tmp_path, force=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
