"""Every picture at every size: its texts are legible and apart, its bytes always the same."""

from __future__ import annotations

import dataclasses
import io
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from tests.results.factory import make_result, tiny, too_large
from wse_emulator.results.run import RunResult
from wse_emulator.results.words import full_bytes
from wse_emulator.views.catalog import VIEWS
from wse_emulator.views.difference import figure_difference
from wse_emulator.views.memory_over_step import slowest_ops
from wse_emulator.views.page import render
from wse_emulator.views.style import DARK, LIGHT

SMALLEST_POINTS = 8.0
MOST_BYTES = 300_000


def shown_texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Texts that a reader sees, with their boxes in pixels."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = {
        id(text)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for text in (tick.label1, tick.label2)
        if tick not in axis._update_ticks()  # ticks outside the view are not drawn
    }
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden:
            found.append((text, text.get_window_extent(renderer)))
    return found


def check_texts(figure: Figure) -> None:
    """Fail if two texts overlap, one leaves the canvas, or one is too small."""
    texts = shown_texts(figure)
    width, height = figure.canvas.get_width_height()
    for text, box in texts:
        assert text.get_fontsize() >= SMALLEST_POINTS, text.get_text()
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} leaves the canvas"
    for (one, first), (other, second) in combinations(texts, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        # boxes hold room for ascenders: a pixel or two of that may be shared
        assert across <= 1 or up <= 2.5, f"{one.get_text()!r} overlaps {other.get_text()!r}"


@pytest.mark.parametrize("view", VIEWS)
def test_texts_are_apart_and_legible_and_the_file_is_light(view: str, result: RunResult) -> None:
    figure = VIEWS[view].figure(result, LIGHT)
    check_texts(figure)
    assert VIEWS[view].question in " ".join(t.get_text() for t, _ in shown_texts(figure))
    assert len(render(figure, LIGHT)) < MOST_BYTES


def test_what_each_lever_leaves_is_drawn_beside_the_capacity() -> None:
    result = too_large()
    words = " ".join(t.get_text() for t, _ in shown_texts(VIEWS["memory"].figure(result, LIGHT)))
    for lever in result.levers:
        left = full_bytes(result.memory.peak_bytes - lever.saves_bytes)
        assert f"with {lever.what}  {left}" in words


def test_names_of_regions_stay_inside_them() -> None:
    result = make_result(rows=994, cols=750, layers=160, tensors_per_layer=1, fits=False)
    figure = VIEWS["wafer"].figure(result, LIGHT)
    names = [text.get_text() for text, _ in shown_texts(figure)]
    assert {"0", "159"} <= set(names) or any(name.endswith("h.0") for name in names)
    check_texts(figure)


def test_a_map_of_links_says_what_cannot_be_seen() -> None:
    result = make_result(rows=200, cols=150, layers=4, tensors_per_layer=2)
    load = np.zeros_like(result.arrays.link_busy)
    load[0] = 1
    load[2, :, 7] = 1  # southward, one column of 150
    arrays = dataclasses.replace(result.arrays, link_busy=load)
    one_way = dataclasses.replace(result, arrays=arrays)
    figure = VIEWS["links"].figure(one_way, LIGHT)
    words = [text.get_text() for text, _ in shown_texts(figure)]
    assert words.count("no traffic") == 3
    assert words.count("only in column 7") == 1
    check_texts(figure)


def test_the_timeline_has_the_learning_rate_above() -> None:
    result = make_result(rows=12, cols=9, layers=3, tensors_per_layer=3, steps=2)
    figure = VIEWS["timeline"].figure(result, LIGHT)
    above, below = figure.axes
    assert above.get_ylabel() == "learning\nrate"
    assert above.get_xlim() == below.get_xlim()
    shown = {float(label.get_text()) for label in above.get_yticklabels()}
    known = {step.learning_rate for step in result.steps}
    assert shown == {float(f"{value:.6g}") for value in known if value is not None}


def test_slow_ops_are_marked_one_of_each_kind() -> None:
    result = make_result(rows=12, cols=9, layers=4, tensors_per_layer=2)
    work = np.ones_like(result.arrays.op_cycles)
    names = result.op_names
    slow = [i for i, name in enumerate(names) if name == "aten.sqrt_.default"]
    work[slow] = 1_000  # one a tensor: eight tensors, alike but for their numbers
    work[slow[3]] = 2_000
    work[0] = 3_000  # the controller's
    marked = dataclasses.replace(result, arrays=dataclasses.replace(result.arrays, op_cycles=work))
    ops = slowest_ops(marked)
    assert [(op.cycles, op.tensor) for op in ops[:2]] == [
        (3_000, ""),
        (2_000, result.tensors[3].name),
    ]
    assert ops[1].start_cycle == result.arrays.op_start[slow[3]]
    assert ops[1].end_cycle == result.arrays.op_end[slow[3]]
    assert len({op.name for op in ops[1:]}) == len(ops) - 1
    words = " ".join(
        text.get_text() for text, _ in shown_texts(VIEWS["memory-over-step"].figure(marked, LIGHT))
    )
    assert "on the controller  3,000 cycles" in words
    assert "2,000 cycles" in words


def test_a_result_without_cycles_of_ops_says_that_they_are_not_marked() -> None:
    result = tiny()
    nothing = np.zeros(0, dtype=np.int64)
    older = dataclasses.replace(
        result, arrays=dataclasses.replace(result.arrays, op_cycles=nothing)
    )
    figure = VIEWS["memory-over-step"].figure(older, LIGHT)
    check_texts(figure)
    assert "run again" in " ".join(text.get_text() for text, _ in shown_texts(figure))


def test_the_check_of_texts_finds_faults() -> None:
    for x, y, points in ((0.5, 0.5, 9), (0.99, 0.2, 9), (0.2, 0.2, 7)):
        figure = Figure(figsize=(4, 3))
        FigureCanvasAgg(figure)
        figure.text(0.5, 0.5, "here already")
        figure.text(x, y, "a text", fontsize=points)
        with pytest.raises(AssertionError):
            check_texts(figure)


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_result_gives_the_same_bytes(view: str) -> None:
    result = make_result(rows=12, cols=9, layers=3, tensors_per_layer=3, steps=2)
    figures = [VIEWS[view].figure(result, LIGHT) for _ in range(2)]
    for kind in ("png", "svg"):
        once, again = (render(figure, LIGHT, kind) for figure in figures)
        assert once == again, kind


@pytest.mark.parametrize("view", ["timeline", "wafer", "learning-rate"])
def test_dark_pictures_are_dark(view: str) -> None:
    with Image.open(io.BytesIO(render(VIEWS[view].figure(tiny(), DARK), DARK))) as picture:
        corner = np.asarray(picture.convert("RGB"))[:4, :4]
    assert corner.max() < 60


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    render(VIEWS["timeline"].figure(tiny(), DARK), DARK)
    assert dict(mpl.rcParams) == before


def test_the_difference_of_two_results() -> None:
    before = make_result(rows=30, cols=20, layers=4, tensors_per_layer=5)
    for after in (
        make_result(rows=30, cols=20, layers=5, tensors_per_layer=5, tensor_cycles=100),
        make_result(rows=12, cols=40, layers=4, tensors_per_layer=5, seed=3),
        make_result(rows=30, cols=20, layers=4, tensors_per_layer=5, fits=False),
        before,
    ):
        check_texts(figure_difference(before, after))
