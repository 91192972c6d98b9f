"""The replay shows the rate spreading and regions at work."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.results.factory import make_result, one_pe, too_large
from wse_emulator.errors import InputError
from wse_emulator.views import replay


def test_frames_cover_the_step_and_dwell_on_messages() -> None:
    result = make_result(rows=24, cols=20, layers=4, tensors_per_layer=3, tensor_cycles=5000)
    cycles = replay.frame_cycles(result)
    message = result.messages[0]
    assert cycles[0] == 0
    assert cycles[-1] == result.steps[-1].cycles
    assert cycles == sorted(set(cycles))
    inside = [c for c in cycles if message.start_cycle <= c < message.end_cycle]
    assert len(inside) > len(cycles) / 3


def test_the_front_moves_away_from_the_controller() -> None:
    result = make_result(rows=24, cols=20, layers=4, tensors_per_layer=3)
    message = result.messages[0]
    row, col = np.indices((24, 20))
    distance = abs(row - message.root[0]) + abs(col - message.root[1])
    means = []
    for cycle in range(message.start_cycle + 4, message.end_cycle, 4):
        front = replay.wafer_state(result, cycle) == 1
        means.append(float(distance[front].mean()))
    assert means == sorted(means)
    assert means[-1] > 2 * means[0]


def test_a_region_is_coloured_while_its_tensors_run() -> None:
    result = make_result(rows=24, cols=20, layers=2, tensors_per_layer=1)
    for tensor in result.tensors:
        r, c, h, w = tensor.region
        for cycle, works in ((tensor.end_cycle - 1, True), (tensor.end_cycle, False)):
            state = replay.wafer_state(result, cycle)[r : r + h, c : c + w]
            assert bool((state >= 3).all()) is works


def test_the_animation_is_light_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_FRAMES", 8)
    for result in (one_pe(), make_result(rows=24, cols=20, layers=4, tensors_per_layer=3)):
        movie = replay.replay(result)
        assert movie == replay.replay(result)
        assert len(movie) < 10_000_000
        with Image.open(io.BytesIO(movie)) as picture:
            assert picture.format == "GIF"
            assert getattr(picture, "n_frames", 1) >= 4


def test_what_cannot_be_replayed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Does not fit"):
        replay.replay(too_large())
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(InputError, match="ffmpeg"):
        replay.replay(one_pe(), "mp4")
