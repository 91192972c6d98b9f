"""The picture of what limits a step: every limit is on it, legible, with its saving in the data."""

from __future__ import annotations

import csv
import io

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from tests.results.factory import tiny
from tests.views.test_pictures import check_texts, shown_texts
from wse_emulator.questions.explain import LIMITS
from wse_emulator.request import Request
from wse_emulator.results.answers import elapsed
from wse_emulator.results.explain import Effect, Explanation, Limit
from wse_emulator.results.run import PeTime, RunResult
from wse_emulator.views.bottlenecks import QUESTION, bottlenecks_table, figure_bottlenecks
from wse_emulator.views.style import LIGHT, STYLES, Style
from wse_emulator.wafer.presets import WSE2


def effect(limit: Limit, number: int, total: int) -> Effect:
    """The effect of a limit: each saves less than the one before, the last does not bind."""
    saved = total // (number + 2) if limit is not LIMITS[-1] else 0
    return Effect(
        limit=limit,
        cycles=total - saved,
        saved_cycles=saved,
        saved_share=saved / total,
        binds=limit is not LIMITS[-1],
    )


def explanation_of(total: int) -> Explanation:
    return Explanation(
        model="mine",
        optimizer="AdamW",
        request=Request(wafer=WSE2, model="mine"),
        command="",
        cycles=total,
        critical=PeTime((0, 0), (), total, total),
        effects=tuple(effect(limit, number, total) for number, limit in enumerate(LIMITS)),
        all_lifted_cycles=total // 10,
    )


def words_of(result: RunResult, explanation: Explanation | None) -> str:
    figure = figure_bottlenecks(result, explanation, LIGHT)
    check_texts(figure)
    return " ".join(text.get_text() for text, _ in shown_texts(figure))


def test_every_limit_is_on_the_picture_or_the_page_says_why_not(result: RunResult) -> None:
    total = elapsed(result)
    words = words_of(result, explanation_of(total) if total else None)
    assert QUESTION in words
    if not total:
        assert "Does not fit" in words
        return
    assert f"The step takes {total:,} cycles. What costs most is lanes." in words
    assert f"lanes  {total // 2:,} cycles, 50 %" in words
    assert f"{LIMITS[-1].name}  no limit here" in words
    assert all(f"{limit.name}  " in words for limit in LIMITS)
    assert f"all at once  {total - total // 10:,} cycles, 90 %" in words


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_bar_is_as_long_as_what_its_limit_costs(style: Style) -> None:
    explanation = explanation_of(50_000)
    figure = figure_bottlenecks(tiny(), explanation, style)
    check_texts(figure)
    (axes,) = figure.axes
    lengths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert lengths == [*(e.saved_cycles for e in explanation.effects), 45_000]
    assert to_hex(figure.get_facecolor()) == style.paper.lower()


def test_the_data_hold_every_limit_in_full() -> None:
    explanation = explanation_of(12_345)
    rows = list(csv.DictReader(io.StringIO(bottlenecks_table(explanation).csv().decode())))
    assert [row["limit"] for row in rows] == [*(limit.name for limit in LIMITS), "all at once"]
    for row in rows:
        assert int(row["cycles"]) + int(row["saved_cycles"]) == 12_345
        assert float(row["saved_share"]) == int(row["saved_cycles"]) / 12_345
    assert bottlenecks_table(None).rows == ()
