"""Where sign, exponent and mantissa lie in the words of a float format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from wse_emulator.cost.sequences.steps import Step, Stream, Word, lower_word, step, upper_word
from wse_emulator.wafer.formats import HALF_FLOATS


@dataclass(frozen=True, slots=True)
class WordLayout:
    """The bits of a float format, for steps that work on words.

    Attributes:
        dtype: format of the streams.
        fraction_bits: bits of the mantissa in the upper word.
        bias: exponent field of 1.0.
        accuracy: the format that the result is rounded to in the end; its digits decide how many
            terms a polynomial has.
    """

    dtype: str
    fraction_bits: int
    bias: int
    accuracy: str

    @property
    def unit(self) -> int:
        """One step of the exponent, in the upper word."""
        return 1 << self.fraction_bits

    @property
    def fraction(self) -> int:
        """Mask of the mantissa in the upper word."""
        return self.unit - 1

    @property
    def infinity(self) -> int:
        """Upper word of infinity, which is the mask of the exponent too."""
        return 0x8000 - self.unit

    @property
    def whole(self) -> float:
        """A number whose last bit counts ones: adding it rounds to a whole number."""
        return 1.5 * 2.0 ** (self.fraction_bits if self.is_half else 23)

    @property
    def whole_word(self) -> int:
        """The word of ``whole`` in which whole numbers are counted."""
        return self.power(self.fraction_bits) + self.unit // 2 if self.is_half else 0

    @property
    def is_half(self) -> bool:
        """Whether the format has 16 bits."""
        return self.dtype in HALF_FLOATS

    @property
    def is_single(self) -> bool:
        """Whether the result has the digits of float32."""
        return self.accuracy == "float32"

    def power(self, exponent: int) -> int:
        """Upper word of ``2**exponent``."""
        return (self.bias + exponent) << self.fraction_bits

    def streams(self, *names: str) -> tuple[Stream, ...]:
        """Streams in this format."""
        return tuple(Stream(name, self.dtype) for name in names)

    def last_word(self, stream: Stream) -> Word:
        """The word with the last bits of each element."""
        return upper_word(stream) if self.is_half else lower_word(stream)

    def fill_lower(self, destination: Stream, source: Stream | int) -> tuple[Step, ...]:
        """Fill the lower words from a stream or with a number; nothing to do in 16 bits."""
        if self.is_half:
            return ()
        words = lower_word(source) if isinstance(source, Stream) else source
        return (step("mov16", lower_word(destination), words),)


LAYOUTS: Final = {
    "float32": WordLayout("float32", 7, 127, "float32"),
    "float16": WordLayout("float16", 10, 15, "float16"),
    "bfloat16": WordLayout("bfloat16", 7, 127, "bfloat16"),
    "cbfloat16": WordLayout("cbfloat16", 9, 31, "cbfloat16"),
}
"""Format -> its layout."""


def float32_for(accuracy: str) -> WordLayout:
    """float32 with the digits of a 16-bit format, to which its result is converted."""
    return replace(LAYOUTS["float32"], accuracy=accuracy)
