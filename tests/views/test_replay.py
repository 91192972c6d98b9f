"""The replay shows the rate spreading and regions at work."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

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
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"name a \.gif file, or run pip install imageio-ffmpeg"):
        replay.replay(one_pe(), "mp4")


def test_an_ffmpeg_that_fails_is_one_plain_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\ncat > /dev/null\necho 'no such codec' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(replay, "_FRAMES", 4)
    monkeypatch.setattr("shutil.which", lambda _: str(broken))
    with pytest.raises(InputError, match="no such codec"):
        replay.replay(one_pe(), "mp4")


def test_it_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_FRAMES", 12)
    told: list[str] = []
    replay.replay(one_pe(), tell=told.append)
    assert len(told) == replay.REPLAY_STAGES
    assert told[0].startswith("drawing frame 1 of ")


FFMPEG = replay.ffmpeg_program()

if FFMPEG is not None:  # there, the real program makes a film and reads it back

    def test_the_film_plays_and_is_always_the_same(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert FFMPEG is not None
        monkeypatch.setattr(replay, "_FRAMES", 8)
        result = make_result(rows=24, cols=20, layers=4, tensors_per_layer=3)
        film = replay.replay(result, "mp4")
        assert film == replay.replay(result, "mp4")
        assert film[4:8] == b"ftyp"
        path = tmp_path / "film.mp4"
        path.write_bytes(film)
        read = subprocess.run(
            [FFMPEG, "-loglevel", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            capture_output=True,
            check=True,
        )
        frames = len(replay.frame_cycles(result)) + replay._HOLD_FRAMES
        assert read.stdout
        assert len(read.stdout) % frames == 0
        each = len(read.stdout) // frames
        assert read.stdout[:each] != read.stdout[-each:]
