"""Masks: read by name, checked against the model, counted PE by PE."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wse_emulator.errors import MalformedFileError
from wse_emulator.inputs.mask_file import read_masks
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.questions.fit.answer import fit

MODEL = ModelShapes(
    name="mine",
    parameters=(TensorShape("a.w", (8, 6), "float32"), TensorShape("a.b", (6,), "float32")),
)


def written(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("optimizer", ["SGD", "Adafactor"])
def test_kept_elements_are_counted_where_they_lie(tmp_path: Path, optimizer: str):
    mask = np.zeros((8, 6), dtype=bool)
    mask[:4] = True  # the first half of the rows
    path = written(tmp_path / "masks.npz", **{"a.w": mask})
    report = fit(
        MODEL, optimizer=optimizer, lr=0.1, wafer="wse2:2x1", sparsity=str(path), levers=False
    )
    # 24 kept elements of 4 B with an index of 2 B on the first PE, none on the second; 6 dense
    weights = report.maps.categories["weights"].ravel().tolist()
    assert sum(weights) == 24 * 6 + 6 * 4
    assert weights[0] - weights[1] == 24 * 6
    assert report.sparsity == 0.5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a.v": np.ones((8, 6), bool)}, "did you mean a.w"),
        ({"a.w": np.ones((6, 8), bool)}, "has shape"),
        ({"a.w": np.ones((8, 6))}, "a mask is boolean"),
        ({}, "holds no masks"),
    ],
)
def test_masks_that_are_not_the_models(tmp_path: Path, arrays, message: str):
    with pytest.raises(MalformedFileError, match=message):
        read_masks(written(tmp_path / "masks.npz", **arrays), MODEL)


def test_files_that_are_no_masks(tmp_path: Path):
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, **{"a.w": np.array([{"a": 1}], dtype=object)})
    for path in (text, pickled, tmp_path / "none.npz"):
        with pytest.raises(MalformedFileError, match=r"cannot be read|is no .npz"):
            read_masks(path, MODEL)
