"""Numbers and names in a reader's words."""

from __future__ import annotations

import pytest

from tests.results.factory import tiny, too_large
from wse_emulator.results import answers, words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (77.06e-6, "77.1 µs"), (2.5e-3, "2.50 ms"), (1.5, "1.50 s"), (3e-9, "3.00 ns")],
)
def test_seconds(value: float, text: str) -> None:
    assert words.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.9999, "99.9 %"),
        (0.47, "47 %"),
        (0.0123, "1.2 %"),
        (3.8e-6, "0.00038 %"),
        (1e-9, "under 0.0001 %"),
        (4.2, "420 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(value: float, text: str) -> None:
    assert words.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (49152, "48.0 KiB"), (12 * 1024**3, "12.0 GiB")],
)
def test_size(value: float, text: str) -> None:
    assert words.size(value) == text


def test_names_are_shortened_in_the_middle_and_printable() -> None:
    assert words.short("transformer.h.0.attn.weight", 11) == "trans…eight"
    assert words.short("层.w\t", 9) == "?.w?"
    assert len(words.short("x" * 500, 40)) == 40


def test_shared_leading_parts_go_and_layer_numbers_keep_their_word() -> None:
    names = ["transformer.h.0", "transformer.h.1"]
    assert words.without_common_prefix(names) == ["h.0", "h.1"]
    assert words.without_common_prefix(["a.b", "a.c"]) == ["b", "c"]
    assert words.without_common_prefix(["a.b"]) == ["a.b"]
    merged = ["t.wte .. t.wpe", "t.h.0"]
    assert words.without_common_prefix(merged) == ["wte .. wpe", "h.0"]


def test_the_verdict_says_which_pe_and_by_how_much() -> None:
    assert answers.verdict(tiny()).startswith("Fits: the fullest PE, row 0 column 0, holds")
    result = too_large()
    over = result.memory.peak_bytes - result.memory.capacity_bytes
    assert answers.verdict(result).startswith("Does not fit: the fullest PE, row ")
    assert f"{over:,} B ({words.share(over / result.memory.capacity_bytes)}) more than its" in (
        answers.verdict(result)
    )
    assert "optimizer SGD instead of AdamW" in answers.advice(result)
    assert answers.step_time(result) == "No step was simulated."
