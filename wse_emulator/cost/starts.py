"""What a vector instruction costs to start: four cases, each a field of the machine.

The cases differ in who brings the descriptors, the registers that say where the operands lie. None
stands for another: a program that pays 16 cycles an instruction where the machine steps in 2 takes
more than twice as long as measured.
"""

from __future__ import annotations

from enum import Enum

from wse_emulator.wafer.spec import WaferSpec


class Start(Enum):
    """How a vector instruction starts; the value is the wording of documents.

    Attributes:
        LOADS_DESCRIPTORS: it loads the descriptors of its operands, which change with every
            instruction: an elementwise step of an optimizer (``launch_cycles``).
        STEPS: its descriptors stay in registers and advance by themselves, as ``@map`` walks the
            inner loop of a product (``step_launch_cycles``).
        BY_WAVELET: a wavelet that arrives sets it off, as in the vendor's kernels
            (``wavelet_launch_cycles``).
        IN_LOOP: a scalar loop forms its descriptors and loads them (``loop_cycles`` and
            ``launch_cycles``).
    """

    LOADS_DESCRIPTORS = "loads descriptors"
    STEPS = "steps over loaded registers"
    BY_WAVELET = "set off by a wavelet"
    IN_LOOP = "formed in a scalar loop"


def start_cycles(start: Start, spec: WaferSpec, *, loading: int | None = None) -> int:
    """The cycles until an instruction is under way.

    Args:
        start: how it starts.
        spec: the machine.
        loading: cycles of an instruction that loads its descriptors, where they were measured for
            its class of op and format; None for the machine's ``launch_cycles``.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> [start_cycles(start, WSE2) for start in Start]
        [16, 2, 1, 31]
    """
    match start:
        case Start.STEPS:
            return spec.step_launch_cycles
        case Start.BY_WAVELET:
            return spec.wavelet_launch_cycles
        case Start.LOADS_DESCRIPTORS:
            return spec.launch_cycles if loading is None else loading
        case Start.IN_LOOP:
            return spec.loop_cycles + (spec.launch_cycles if loading is None else loading)


_PRODUCTS = {
    "vendor": Start.BY_WAVELET,
    "map": Start.STEPS,
    "csl": Start.LOADS_DESCRIPTORS,
}


def start_of_products(spec: WaferSpec) -> Start:
    """How the multiply-adds of a step's products start: the machine's ``products``."""
    return _PRODUCTS[spec.products]
