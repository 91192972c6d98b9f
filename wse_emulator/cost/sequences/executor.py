"""The values that a sequence computes, step by step, on arrays.

Every step rounds its result once to the format of its destination. Integer steps work on 16-bit
words, modulo 2^16. A maximum with a NaN is NaN, and subnormals are kept; no document says either.
Memory that nothing has written yet holds a fixed pattern, so that a step that is left out shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.cost.sequences.rounding import (
    Floats,
    Words,
    multiply_add,
    rounded,
    values_of,
    words_of,
)
from wse_emulator.cost.sequences.steps import (
    OPERATIONS,
    Sequence,
    Source,
    Step,
    Stream,
    Word,
)
from wse_emulator.wafer.formats import HALF_FLOATS

_CHUNK: Final = 1 << 16
"""Elements computed at a time: what the steps keep stays in the cache of the host."""

_UNWRITTEN: Final = 0x5A5A
_UPPER: Final = 1 if sys.byteorder == "little" else 0

_INTEGER: Final[dict[str, Callable[[Words, Words], Words]]] = {
    "add16": np.add,
    "sub16": np.subtract,
    "and16": np.bitwise_and,
    "or16": np.bitwise_or,
    "xor16": np.bitwise_xor,
    "sll16": np.left_shift,
    "slr16": np.right_shift,
}

_FLOATING: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "fadd": np.add,
    "fsub": np.subtract,
    "fmul": np.multiply,
    "fmax": np.maximum,
}


def evaluate(sequence: Sequence, *inputs: Floats) -> Floats:
    """What ``sequence`` computes of ``inputs``, instruction by instruction.

    Args:
        sequence: the function in its format.
        inputs: one float32 array for each of its inputs, all of one shape, with values of its
            format (a 16-bit value is given as the float32 that equals it).

    Returns:
        A float32 array of the same shape, with values of the format.

    Raises:
        ValueError: the number of arrays, or their shapes, are not those of the inputs.

    Example:
        >>> import numpy as np
        >>> from wse_emulator.cost.sequences import evaluate, sequence
        >>> evaluate(sequence("sqrt", "float16"), np.float32([0, 2, 4])).tolist()
        [0.0, 1.4140625, 2.0]
    """
    if len(inputs) != len(sequence.inputs):
        raise ValueError(
            f"{sequence.function} takes {len(sequence.inputs)} arrays; {len(inputs)} were given"
        )
    arrays = [np.ascontiguousarray(x, dtype=np.float32) for x in inputs]
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError(f"the arrays for {sequence.function} must have one shape")
    result = np.empty_like(arrays[0])
    flat = result.reshape(-1)
    parts = [x.reshape(-1) for x in arrays]
    with np.errstate(all="ignore"):
        for begin in range(0, flat.size, _CHUNK):
            chunk = slice(begin, begin + _CHUNK)
            memory = {
                stream.name: part[chunk].copy()
                for stream, part in zip(sequence.inputs, parts, strict=True)
            }
            bench = _Memory(memory, flat[chunk].size)
            for step in sequence.steps:
                bench.run(step)
            flat[chunk] = bench.floats(sequence.result)
    return result


class _Memory:
    """The streams of a sequence for some elements: floats as float32, int16 as uint16."""

    def __init__(self, floats: dict[str, Floats], elements: int) -> None:
        self._floats = floats
        self._words: dict[str, Words] = {}
        self._elements = elements

    def run(self, step: Step) -> None:
        """Compute one step."""
        if OPERATIONS[step.operation] in ("integer", "shift", "move"):
            self._run_on_words(step)
            return
        assert isinstance(step.destination, Stream)
        self._floats[step.destination.name] = self._float_result(step, step.destination.dtype)

    def floats(self, stream: Stream) -> Floats:
        """The values of a float stream."""
        if stream.name not in self._floats:
            unwritten = np.full(2 * self._elements, _UNWRITTEN, np.uint16)
            if stream.dtype in HALF_FLOATS:
                self._floats[stream.name] = values_of(unwritten[self._elements :], stream.dtype)
            else:
                self._floats[stream.name] = unwritten.view(np.float32)
        return self._floats[stream.name]

    def _run_on_words(self, step: Step) -> None:
        if step.operation == "mov16":
            self._write(step.destination, self._integer(step.sources[0]))
            return
        first, second = (self._integer(source) for source in step.sources)
        if step.operation == "sar16":
            signed: NDArray[np.int16] = first.view(np.int16)
            result = (signed >> second.view(np.int16)).view(np.uint16)
        else:
            result = _INTEGER[step.operation](first, second)
        self._write(step.destination, result)

    def _write(self, place: Stream | Word, words: Words) -> None:
        if isinstance(place, Stream):
            self._words[place.name] = np.broadcast_to(words, self._elements)
        elif place.stream.dtype in HALF_FLOATS:
            every = np.broadcast_to(words, self._elements)
            self._floats[place.stream.name] = values_of(every, place.stream.dtype)
        else:
            self._half_of_pairs(place)[:] = words

    def _half_of_pairs(self, word: Word) -> Words:
        pairs = self.floats(word.stream).view(np.uint16).reshape(-1, 2)
        return pairs[:, _UPPER if word.half == "upper" else 1 - _UPPER]

    def _read(self, place: Stream | Word) -> Words:
        if isinstance(place, Word):
            if place.stream.dtype in HALF_FLOATS:
                return words_of(self.floats(place.stream), place.stream.dtype)
            return self._half_of_pairs(place)
        if place.name not in self._words:
            self._words[place.name] = np.full(self._elements, _UNWRITTEN, np.uint16)
        return self._words[place.name]

    def _integer(self, source: Source) -> Words:
        if isinstance(source, (Stream, Word)):
            return self._read(source)
        return np.array(int(source) & 0xFFFF, np.uint16)

    def _float(self, source: Source, dtype: str) -> Floats:
        if isinstance(source, Stream):
            return self.floats(source)
        assert not isinstance(source, Word)
        return rounded(np.array([source], np.float32), dtype)  # as the register holds it

    def _float_result(self, step: Step, dtype: str) -> Floats:
        first, *others = (self._float(source, dtype) for source in step.sources)
        match step.operation, others:
            case "fmac", [x, factor]:
                return multiply_add(first, x, float(factor[0]), dtype)
            case "fscale", [power]:
                return rounded(np.ldexp(first, int(power[0])), dtype)
            case "convert", []:
                return rounded(first, dtype)
            case "fneg", []:
                return -first
            case "fabs", []:
                return np.abs(first)
        (second,) = others
        return rounded(_FLOATING[step.operation](first, second), dtype)
