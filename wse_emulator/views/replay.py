"""The step as an animation: the learning rate spreads, regions work, sums arrive, a clock runs."""

from __future__ import annotations

import importlib
import importlib.util
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from wse_emulator.errors import InputError
from wse_emulator.results.answers import about, elapsed, verdict
from wse_emulator.results.run import MessageFacts, RunResult
from wse_emulator.results.words import seconds
from wse_emulator.tell import Tell, silent
from wse_emulator.views.blocks import block_size
from wse_emulator.views.page import legend_above, new_page, thousands
from wse_emulator.views.registry import drawn_aside
from wse_emulator.views.style import LIGHT, SMALL, Style
from wse_emulator.views.wafer_map import map_height

REPLAY: Final = "replay"
REPLAY_FORMATS: Final = ("gif", "mp4")
REPLAY_STAGES: Final = 10
QUESTION: Final = "How does the step cross the wafer?"
drawn_aside(REPLAY, f"{QUESTION} (an animation, GIF or MP4)")

Pixels = NDArray[np.uint8]
_FRAMES: Final = 90
_PER_SECOND: Final = 15
_HOLD_FRAMES: Final = 20  # the last frame stays, so that the end can be read
_CELLS: Final = 360
_IDLE, _MESSAGE, _REDUCE, _WORK, _WORK_NEXT = range(5)


def replay(
    result: RunResult,
    kind: str = "gif",
    style: Style = LIGHT,
    tell: Tell = silent,
) -> bytes:
    """Draw the animation as the bytes of a file; the same result always gives the same bytes.

    Args:
        kind: ``gif``, or ``mp4`` where ffmpeg is installed, on PATH or with the package
            imageio-ffmpeg.
        tell: called ``REPLAY_STAGES`` times, as frames are drawn; does nothing by default.

    Raises:
        InputError: nothing was simulated, or MP4 is asked for without ffmpeg.
    """
    if not elapsed(result):
        raise InputError(f"no step to replay. {verdict(result)}")
    program = ffmpeg_program() if kind == "mp4" else None
    if kind == "mp4" and program is None:
        raise InputError(
            "MP4 needs the program ffmpeg, which is not installed; name a .gif file, or run pip "
            "install imageio-ffmpeg"
        )
    with style.applied():
        frames = _frames(result, style, tell)
        return _gif(frames) if program is None else _movie(frames, program)


def ffmpeg_program() -> str | None:
    """The path of ffmpeg: of the one on PATH, or of that in the package imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found is not None or importlib.util.find_spec("imageio_ffmpeg") is None:
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except RuntimeError:
        return None  # the package is there, without a program for this platform


def frame_cycles(result: RunResult) -> list[int]:
    """The cycles that the frames show: half of them while messages run, half over the whole step.

    Messages take a small part of the step. At an even pace they could not be seen.
    """
    last = elapsed(result)
    spans = [(m.start_cycle, m.end_cycle) for m in result.messages if m.end_cycle > m.start_cycle]
    moments = set(np.linspace(0, last, _FRAMES // 2 + 1).astype(int).tolist())
    if spans:
        inside = np.zeros(last + 1, dtype=bool)
        for start, end in spans:
            inside[start:end] = True
        busy = np.flatnonzero(inside)
        at = np.linspace(0, busy.size - 1, _FRAMES // 2).astype(int)
        moments |= set(busy[at].tolist())
    return sorted(moments)


def wafer_state(result: RunResult, cycle: int, side: int = 1) -> NDArray[np.int8]:
    """What each PE, or the first PE of each block, does in ``cycle``, as an index of colours.

    A region is shown at work from the first start to the last end of its tensor. The front of a
    multicast is drawn by the distance from the root, which is exact when nothing else is on the
    fabric.
    """
    rows = np.arange(0, result.wafer.rows, side)
    cols = np.arange(0, result.wafer.cols, side)
    state = np.full((rows.size, cols.size), _IDLE, dtype=np.int8)
    for index, tensor in enumerate(result.tensors):
        if tensor.start_cycle <= cycle < tensor.end_cycle:
            row, col, height, width = tensor.region
            area = np.ix_(
                (rows >= row) & (rows < row + height), (cols >= col) & (cols < col + width)
            )
            state[area] = _WORK if index % 2 == 0 else _WORK_NEXT
    for message in result.messages:
        if message.start_cycle <= cycle < message.end_cycle:
            _draw_front(state, message, cycle, rows, cols)
    return state


def _draw_front(
    state: NDArray[np.int8],
    message: MessageFacts,
    cycle: int,
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
) -> None:
    row, col, height, width = message.region
    in_rows, in_cols = (rows >= row) & (rows < row + height), (cols >= col) & (cols < col + width)
    inside = in_rows[:, None] & in_cols
    if message.kind not in ("multicast", "multicast along lines"):
        state[inside] = _REDUCE
        return
    down, across = np.abs(rows - message.root[0])[:, None], np.abs(cols - message.root[1])
    distance = down + across if message.kind == "multicast" else np.minimum(down, across)
    farthest = max(int(distance[inside].max(initial=0)), 1)
    part = (cycle - message.start_cycle) / (message.end_cycle - message.start_cycle)
    reached = distance <= part * farthest
    band = max(farthest * 0.06, 2 * (rows[1] - rows[0] if rows.size > 1 else 1))
    state[inside & reached & (distance > part * farthest - band)] = _MESSAGE


def _gif(drawn: Iterator[Pixels]) -> bytes:
    frames = [Image.fromarray(frame) for frame in drawn]
    # one palette for all frames, from one that has every colour in its legend
    palette = frames[0].quantize(64, dither=Image.Dither.NONE)
    indexed = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    buffer = io.BytesIO()
    wait = 1000 // _PER_SECOND
    indexed[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=[wait] * (len(indexed) - 1) + [wait * _HOLD_FRAMES],
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _movie(drawn: Iterator[Pixels], program: str) -> bytes:
    """Write H.264 in the form that every browser plays: even sides, 4:2:0 colours, index first."""
    frames = list(drawn)
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    frames += [frames[-1]] * _HOLD_FRAMES
    raw = b"".join(np.ascontiguousarray(f[:height, :width]).tobytes() for f in frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "replay.mp4"
        command = [program, "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", str(_PER_SECOND), "-i", "-"]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1"]
        command += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]
        command += ["-movflags", "+faststart", str(path)]
        done = subprocess.run(command, input=raw, capture_output=True, check=False)
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise InputError(f"{program} made no MP4 ({why[-1]}); name a .gif file")
        return path.read_bytes()


def _frames(result: RunResult, style: Style, tell: Tell) -> Iterator[Pixels]:
    figure, image, clock, side = _stage(result, style)
    cycles = frame_cycles(result)
    told = 0
    for number, cycle in enumerate(cycles):
        if number * REPLAY_STAGES >= told * len(cycles):
            tell(f"drawing frame {number + 1} of {len(cycles)}")
            told += 1
        _show(result, image, clock, cycle, side)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="rgba", dpi=figure.dpi)
        width, height = figure.canvas.get_width_height()
        pixels = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
        yield pixels.reshape(height, width, 4)[..., :3]


def _show(result: RunResult, image: AxesImage, clock: Text, cycle: int, side: int) -> None:
    image.set_data(wafer_state(result, cycle, side))
    clock.set_text(f"cycle {cycle:,}, {seconds(cycle / result.wafer.clock_hz)}")


def _stage(result: RunResult, style: Style) -> tuple[Figure, AxesImage, Text, int]:
    rows, cols = result.wafer.rows, result.wafer.cols
    side = block_size(rows, cols, _CELLS)
    work = style.phase("update")
    colours = [style.grid, style.phase("broadcast"), style.phase("reduce"), work, "#3A8FC4"]
    page = new_page(
        style,
        question=QUESTION,
        answer=about(result),
        note="Half of the frames show the cycles in which messages run, so time is stretched "
        "there; the clock tells.",
        width=6.4,
        height=min(map_height(rows, cols, 1, 6.0), 5.6),
    )
    axes = page.figure.add_subplot()
    state = wafer_state(result, 0, side)
    image = axes.imshow(
        state,
        cmap=ListedColormap(colours),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        interpolation="nearest",
        extent=(0, state.shape[1] * side, state.shape[0] * side, 0),
        aspect="equal" if 0.25 <= rows / cols <= 4 else "auto",
    )
    axes.set_xlim(0, cols)
    axes.set_ylim(rows, 0)
    axes.set_xlabel("column", loc="left")
    axes.set_ylabel("row")
    axes.spines[:].set_visible(True)
    thousands(axes, "x", 5)
    thousands(axes, "y", 6)
    words = ("idle", "message passes", "sum runs in", "update")
    legend_above(
        axes, [Patch(facecolor=c, label=w) for c, w in zip(colours, words, strict=False)], 4
    )
    last = f"cycle {elapsed(result):,}, {seconds(elapsed(result) / result.wafer.clock_hz)}"
    clock = axes.annotate(
        last, (1, 0), xycoords="axes fraction", xytext=(0, -30), textcoords="offset points",
        ha="right", fontsize=SMALL + 1,
    )  # fmt: skip
    page.figure.draw_without_rendering()
    page.figure.set_layout_engine("none")  # every frame has the same layout
    return page.figure, image, clock, side
