"""A result shows itself in a notebook."""

from __future__ import annotations

import dataclasses
import html

import torch

import optimizers
import wse_emulator
from tests.results.factory import tiny, too_large
from wse_emulator.errors import StaticRuleError
from wse_emulator.results.check import CheckReport
from wse_emulator.results.words import seconds, size


def test_the_card_gives_the_answer() -> None:
    result = tiny()
    card = result._repr_html_()
    assert f"{result.steps[-1].cycles:,} cycles" in card
    assert f"{result.memory.peak_bytes:,} of {result.memory.capacity_bytes:,} B" in card
    low, high = result.seconds_interval
    assert f"{seconds(low)} and {seconds(high)}" in card
    assert '<img alt="time"' in card
    lost = too_large()
    assert f"no, {lost.gap_bytes:,} B over" in lost._repr_html_()
    assert lost.levers[0].what in lost._repr_html_()


def test_names_are_escaped() -> None:
    result = tiny()
    evil = dataclasses.replace(result.model, name="<script>")
    assert "<script>" not in dataclasses.replace(result, model=evil)._repr_html_()


def test_a_fit_shows_its_verdict_its_bytes_and_its_levers() -> None:
    model = torch.nn.Linear(2_000, 400)
    report = wse_emulator.fit(model, wafer="wse2:8x8")
    card = report._repr_html_()
    assert not report.fits
    assert report.verdict in card
    assert f"{report.pe.peak_bytes:,} of {report.pe.capacity_bytes:,} B" in card
    assert size(report.bytes["optimizer_state"]) in card
    assert report.levers
    assert all(html.escape(lever.what) in card for lever in report.levers)


def test_a_check_shows_each_broken_rule_with_its_remedy() -> None:
    legal = wse_emulator.check(optimizers.AdamW([torch.nn.Parameter(torch.zeros(3))]))
    assert "keeps all static-state rules" in legal._repr_html_()
    assert "<table>" not in legal._repr_html_()
    broken = StaticRuleError("state <m> appears", state="m", remedy="make it at once")
    card = CheckReport(optimizer="mine.Opt", steps=4, violations=(broken,))._repr_html_()
    assert "Not legal: mine.Opt has 1 violation of the static-state rules." in card
    assert "state &lt;m&gt; appears. Remedy: make it at once" in card
