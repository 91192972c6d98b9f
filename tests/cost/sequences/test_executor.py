"""The executor: one rounding a step, in every format, whatever the arrays look like."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.cost.sequences.measured import DTYPES
from wse_emulator.cost.instructions import Instruction
from wse_emulator.cost.sequences import evaluate, sequence
from wse_emulator.cost.sequences.executor import _CHUNK
from wse_emulator.cost.sequences.rounding import (
    FORMATS,
    Floats,
    multiply_add,
    rounded,
    values_of,
    words_of,
)
from wse_emulator.cost.sequences.steps import (
    Sequence,
    Stream,
    instruction_of,
    lower_word,
    step,
    upper_word,
)


def drawn(seed: int, count: int = 50_000) -> Floats:
    """Bit patterns of float32, finite."""
    bits = np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint64)
    values = bits.astype(np.uint32).view(np.float32)
    return values[np.isfinite(values)]


def nearest(exact: Fraction, dtype: str) -> float:
    """The value of the format that is nearest, ties to even, by whole numbers."""
    if exact == 0:
        return 0.0
    digits, largest = FORMATS[dtype]
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent += size >= Fraction(2) ** (exponent + 1)
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** (max(exponent, 1 - largest) - digits)
    whole = round(size / unit) * unit  # ties to even
    if whole >= Fraction(2) ** (largest + 1):
        return float("inf") if exact > 0 else float("-inf")
    return float(whole) if exact > 0 else -float(whole)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rounding_is_to_the_nearest(dtype: str) -> None:
    values = drawn(0, 2_000)
    smaller = np.ldexp(values, -100).astype(np.float32)
    for some in (values, smaller, np.sqrt(np.abs(values))):
        expected = [nearest(Fraction(float(x)), dtype) for x in some]
        assert rounded(some, dtype).tolist() == expected


@pytest.mark.parametrize(
    ("dtype", "other"), [("float16", torch.float16), ("bfloat16", torch.bfloat16)]
)
def test_rounding_is_that_of_torch(dtype: str, other: torch.dtype) -> None:
    values = drawn(1)
    expected = torch.from_numpy(values).to(other).to(torch.float32).numpy()
    assert np.array_equal(rounded(values, dtype), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_multiply_add_is_rounded_once(dtype: str) -> None:
    x = rounded(drawn(2, 1_500), dtype)
    x = x[np.isfinite(x)]
    for factor in (1.5, -0.75, float(rounded(np.array([0.3], np.float32), dtype)[0])):
        with np.errstate(over="ignore"):
            # addends that leave little of the product, or are lost in it
            scale = np.where(np.arange(x.size) % 2, 1.001, 2.0**-30)
            addend = rounded((-factor * scale * x).astype(np.float32), dtype)
        keep = np.isfinite(addend)
        got = multiply_add(addend[keep], x[keep], factor, dtype)
        expected = [
            nearest(Fraction(float(a)) + Fraction(float(b)) * Fraction(factor), dtype)
            for a, b in zip(addend[keep], x[keep], strict=True)
        ]
        assert got.tolist() == expected


def test_a_multiply_add_where_two_roundings_differ() -> None:
    """(1 + 2^-23) (1 - 2^-23) 2^-24 beside 1 + 2^-23 lies just below the middle of two values."""
    addend, x = (np.array([1 + 2.0**-23], np.float32) for _ in range(2))
    factor = (1 - 2.0**-23) * 2.0**-24
    assert multiply_add(addend, x, factor, "float32").tolist() == [1 + 2.0**-23]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "cbfloat16"])
def test_the_words_of_values(dtype: str) -> None:
    words = np.arange(1 << 16, dtype=np.uint16)
    values = values_of(words, dtype)
    told = ~np.isnan(values)
    assert np.array_equal(words_of(values, dtype)[told], words[told])
    assert np.array_equal(rounded(values, dtype)[told], values[told])
    finite = values[(words < 0x8000) & np.isfinite(values)]
    assert (np.diff(finite) > 0).all()


def test_instructions_follow_from_steps() -> None:
    x, y = Stream("x", "float32"), Stream("y", "float32")
    half, bits = Stream("half", "cbfloat16"), Stream("bits", "int16")
    for given, expected in {
        step("fmul", y, x, y): Instruction("mul", "float32", 8, 4, 2),
        step("fmul", y, x, x): Instruction("mul", "float32", 4, 4, 1),
        step("fmul", y, x, 0.5): Instruction("mul", "float32", 4, 4, 1),
        step("fmac", y, x, y, 0.5): Instruction("fma", "float32", 8, 4, 2),
        step("fadd", half, half, 1.0): Instruction("add", "float16", 2, 2, 1),
        step("convert", y, half): Instruction("convert", "mixed", 2, 4, 1),
        step("mov16", lower_word(y), 0): Instruction("move", "int16", 0, 2, 0),
        step("sub16", upper_word(y), 0x7F80, upper_word(x)): Instruction(
            "integer", "int16", 2, 2, 1
        ),
        step("add16", bits, upper_word(x), bits): Instruction("integer", "int16", 4, 2, 2),
        step("slr16", bits, upper_word(x), 7): Instruction("shift", "int16", 2, 2, 1),
    }.items():
        assert instruction_of(given) == expected


def test_arrays_of_any_shape_and_length() -> None:
    whole = sequence("sqrt", "float32")
    x = np.abs(drawn(3, 2 * _CHUNK + 77))
    expected = evaluate(whole, x)
    apart = [evaluate(whole, x[n : n + 5_000]) for n in range(0, x.size, 5_000)]
    assert np.array_equal(np.concatenate(apart), expected)
    square = x[:10_000].reshape(100, 100)
    assert np.array_equal(evaluate(whole, square.T), evaluate(whole, square).T)
    assert evaluate(whole, x[:0]).shape == (0,)
    assert np.array_equal(evaluate(whole, x), expected)  # the arguments stay as they were


def test_memory_that_nothing_wrote_is_no_zero() -> None:
    x, y = Stream("x", "float32"), Stream("y", "float32")
    only_upper = Sequence(
        "none", "float32", (x,), y, (step("mov16", upper_word(y), upper_word(x)),)
    )
    one = np.ones(3, np.float32)
    assert (evaluate(only_upper, one) != 1).all()
    full = replace(only_upper, steps=(*only_upper.steps, step("mov16", lower_word(y), 0)))
    assert (evaluate(full, one) == 1).all()


def test_wrong_arguments_are_named() -> None:
    one = np.ones(3, np.float32)
    with pytest.raises(ValueError, match="division takes 2 arrays; 1 were given"):
        evaluate(sequence("division", "float32"), one)
    with pytest.raises(ValueError, match="division must have one shape"):
        evaluate(sequence("division", "float32"), one, one[:2])
