"""A result shows itself in a notebook."""

from __future__ import annotations

import dataclasses

from tests.results.factory import tiny, too_large


def test_the_card_gives_the_answer() -> None:
    result = tiny()
    card = result._repr_html_()
    assert f"{result.steps[-1].cycles:,} cycles" in card
    assert f"{result.memory.peak_bytes:,} of {result.memory.capacity_bytes:,} bytes" in card
    lost = too_large()
    assert f"no, {lost.gap_bytes:,} bytes over" in lost._repr_html_()
    assert lost.levers[0].what in lost._repr_html_()


def test_names_are_escaped() -> None:
    result = tiny()
    evil = dataclasses.replace(result.model, name="<script>")
    assert "<script>" not in dataclasses.replace(result, model=evil)._repr_html_()
