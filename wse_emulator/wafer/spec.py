"""WaferSpec: a machine as a value, with units in the names of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from wse_emulator.errors import WaferSpecError
from wse_emulator.wafer.kernel_cycles import PUBLISHED, KernelCycles
from wse_emulator.wafer.lanes import LANE_DTYPES, OP_CLASSES, WSE2_LANES, LaneRate
from wse_emulator.wafer.library import (
    FUNCTION_FORMS,
    SDK_LIBRARY,
    FunctionForm,
    LibraryCall,
    check_library,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaferSpec:
    """A wafer-scale engine as the emulator sees it.

    Every field that is a figure has a sentence in ``sources`` that says where it comes from;
    ``unsourced`` names the figures that are assumptions, since no document states them.

    Attributes:
        name: what reports call it; a cut wafer carries its size (``wse2:64x48``).
        rows, cols: PEs a program can use.
        fabric_rows, fabric_cols: PEs of the fabric, the bound of ``rows`` and ``cols``.
        clock_hz: cycles per second.
        sram_bytes_per_pe: memory of a PE.
        reserved_bytes_per_pe: code, stack and communication buffers; never given to tensors.
        sram_banks: number of banks; successive 16-bit words lie in successive banks.
        sram_bank_groups: two reads of a cycle conflict if their banks are equal modulo this.
        sram_read_bytes_per_cycle, sram_write_bytes_per_cycle: widths of the ports.
        bank_conflict_factor: how many times as long a conflict of two sources takes.
        hop_cycles: from a router to the next.
        turn_cycles: extra latency where a route turns a corner.
        ramp_cycles: from a PE to its router, and as many back.
        touch_cycles: cycles before the head of a message enters the ramp.
        cycles_per_wavelet: how long a wavelet occupies a link.
        wavelet_bytes: payload of a wavelet.
        queue_depth_wavelets: room in the input queue of the color used.
        launch_cycles: start of a vector instruction that loads its descriptors.
        step_launch_cycles: start of one that steps over descriptors in registers, as in ``@map``.
        wavelet_launch_cycles: start of one that a wavelet sets off, as in the vendor's kernels.
        products: how the products of matrices of a step are programmed: "vendor" (a wavelet sets
            each multiply-add off; partial sums of 16-bit numbers travel as float32), "map" (each
            steps over descriptors in registers) or "csl" (each loads its descriptors).
        star_line_pes: longest line of PEs along which a step sums one number as the vendor's
            kernels do: all PEs send straight to the middle; 0 for none.
        scalar_op_cycles: one scalar instruction that depends on the one before.
        scalar_load_cycles, scalar_store_cycles: a word from memory to a register, and back.
        loop_cycles: an iteration of a scalar loop that forms descriptors: 8 instructions.
        loop_jump_cycles: the jump back of a scalar loop, with its count and test.
        branch_cycles: a branch after a comparison of two numbers.
        functions: how divisions, roots and the like of vectors are computed: ``library``, a call
            of the SDK's math library for each element, or ``vector``, sequences of vector
            instructions written by hand.
        dispatch_cycles, activation_cycles, completion_cycles: what a relay in software pays beyond
            the ramp: from its decision to the first wavelet, from an arrival to its task, from
            the end of a task to the next.
        colors, reserved_colors: colors of a router, and how many of them the runtime keeps.
        switch_positions: routes that a color can switch between during a run.
        host_bytes_per_second: of the whole wafer, in each direction.
        host_channels: channels the host runtime offers a program.
        lanes: rates by class of op and number format.
        library: costs of the SDK's math library by function and number format.
        kernels: what kernels take beyond their activities, each figure read off a record.
        sources: field name -> where its figure comes from.
        unsourced: names of the fields that rest on an assumption.
        typed: what was written after ``--wafer``, where that is not its name: a machine file, say.

    Example:
        >>> wafer = wse_emulator.WSE2
        >>> wafer.pes, wafer.sram_bytes_per_pe
        (745500, 49152)
        >>> part = wafer.scaled(64, 48)
        >>> part.name, part.pes
        ('wse2:64x48', 3072)
        >>> part.seconds(cycles=850_000)
        0.001
    """

    name: str
    rows: int
    cols: int
    clock_hz: int
    fabric_rows: int = 0  # 0: as large as the program rectangle
    fabric_cols: int = 0
    sram_bytes_per_pe: int = 49_152
    reserved_bytes_per_pe: int = 8_192
    sram_banks: int = 8
    sram_bank_groups: int = 4
    sram_read_bytes_per_cycle: int = 16
    sram_write_bytes_per_cycle: int = 8
    bank_conflict_factor: Fraction = Fraction(2)
    hop_cycles: int = 1
    turn_cycles: int = 0
    ramp_cycles: int = 2
    touch_cycles: int = 1
    cycles_per_wavelet: Fraction = Fraction(1)
    wavelet_bytes: int = 4
    queue_depth_wavelets: int = 2
    launch_cycles: int = 16
    step_launch_cycles: int = 2
    wavelet_launch_cycles: int = 1
    products: str = "vendor"
    star_line_pes: int = 193
    scalar_op_cycles: int = 2
    scalar_load_cycles: int = 3
    scalar_store_cycles: int = 3
    loop_cycles: int = 15
    loop_jump_cycles: int = 10
    branch_cycles: int = 3
    functions: FunctionForm = "library"
    dispatch_cycles: int = 4
    activation_cycles: int = 3
    completion_cycles: int = 3
    colors: int = 24
    reserved_colors: int = 3
    switch_positions: int = 4
    host_bytes_per_second: int = 150_000_000_000
    host_channels: int = 16
    lanes: tuple[LaneRate, ...] = WSE2_LANES
    library: tuple[LibraryCall, ...] = SDK_LIBRARY
    kernels: KernelCycles = PUBLISHED
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    unsourced: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    typed: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        # a machine that says nothing of its fabric is all program rectangle
        if self.fabric_rows == 0:
            object.__setattr__(self, "fabric_rows", self.rows)
        if self.fabric_cols == 0:
            object.__setattr__(self, "fabric_cols", self.cols)
        for name, least in _LEAST.items():
            _check_integer(name, getattr(self, name), least)
        _check_words(self)
        _check_consistency(self)
        _check_lanes(self.lanes)
        check_library(self.library)

    def __repr__(self) -> str:
        """The machine in a line; :func:`wse_emulator.wafers` and ``sources`` have every figure."""
        return (
            f"<WaferSpec {self.typed or self.name}: {self.rows} rows x {self.cols} columns, "
            f"{self.clock_hz / 1e6:g} MHz, {self.sram_bytes_per_pe:,} B per PE>"
        )

    def __hash__(self) -> int:
        # the name and the size tell machines apart; equality still compares every field
        return hash((self.name, self.rows, self.cols, self.clock_hz))

    @property
    def pes(self) -> int:
        """The number of PEs that a program can use."""
        return self.rows * self.cols

    @property
    def program_colors(self) -> int:
        """The colors that a program can use in each router."""
        return self.colors - self.reserved_colors

    def lane_rate(self, op_class: str, dtype: str) -> LaneRate:
        """The rate of a class of op in a number format.

        Raises:
            WaferSpecError: the machine has no such rate.
        """
        for rate in self.lanes:
            if rate.op_class == op_class and rate.dtype == dtype:
                return rate
        raise WaferSpecError(
            f"wafer {self.name}: field lanes has no rate for {op_class} in {dtype}; "
            f"give lanes.{op_class}.{dtype} in the machine file"
        )

    def library_call(self, function: str, dtype: str) -> LibraryCall:
        """What a call of a function of the math library costs in a number format.

        Args:
            function: a key of ``wse_emulator.wafer.library.FUNCTIONS``.
            dtype: ``float16`` (any 16-bit float) or ``float32``.

        Raises:
            WaferSpecError: the machine has no such cost.

        Example:
            >>> wse_emulator.WSE2.library_call("exp", "float32").cycles
            82
        """
        for call in self.library:
            if call.function == function and call.dtype == dtype:
                return call
        raise WaferSpecError(
            f"wafer {self.name}: field library has no cost for {function} in {dtype}; give "
            f"library.{function}.{dtype} in the machine file"
        )

    def seconds(self, cycles: int) -> float:
        """How many seconds so many cycles take on this machine."""
        return cycles / self.clock_hz

    def scaled(self, rows: int, cols: int) -> WaferSpec:
        """This machine with ``rows`` x ``cols`` PEs and everything else unchanged.

        Raises:
            WaferSpecError: fewer than 1, or more than this machine has.
        """
        for name, value, most in (("rows", rows, self.rows), ("cols", cols, self.cols)):
            _check_integer(name, value, 1)
            if value > most:
                raise WaferSpecError(
                    f"{name} = {value} exceeds the {most} {name} of {self.name}; "
                    f"cut it to at most {self.rows}x{self.cols} (rows x columns)"
                )
        if (rows, cols) == (self.rows, self.cols):
            return self
        base = self.name.partition(":")[0]
        sources = dict(self.sources)
        sources["rows"] = sources["cols"] = f"cut from the {self.rows} x {self.cols} of {base}"
        name = f"{base}:{rows}x{cols}"
        return replace(self, name=name, rows=rows, cols=cols, sources=sources, typed="")


_LEAST = {
    "rows": 1,
    "cols": 1,
    "clock_hz": 1,
    "fabric_rows": 1,
    "fabric_cols": 1,
    "sram_bytes_per_pe": 1,
    "reserved_bytes_per_pe": 0,
    "sram_banks": 1,
    "sram_bank_groups": 1,
    "sram_read_bytes_per_cycle": 1,
    "sram_write_bytes_per_cycle": 1,
    "hop_cycles": 1,  # a hop of 0 would let a grant cause a request in its own cycle
    "turn_cycles": 0,
    "ramp_cycles": 0,
    "touch_cycles": 1,
    "wavelet_bytes": 1,
    "queue_depth_wavelets": 0,
    "launch_cycles": 0,
    "step_launch_cycles": 0,
    "wavelet_launch_cycles": 0,
    "star_line_pes": 0,
    "scalar_op_cycles": 1,
    "scalar_load_cycles": 0,
    "scalar_store_cycles": 0,
    "loop_cycles": 0,
    "loop_jump_cycles": 0,
    "branch_cycles": 0,
    "dispatch_cycles": 0,
    "activation_cycles": 0,
    "completion_cycles": 0,
    "colors": 1,
    "reserved_colors": 0,
    "switch_positions": 1,
    "host_bytes_per_second": 1,
    "host_channels": 1,
}
"""Integer fields and their least values."""


WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "products": ("vendor", "map", "csl"),
    "functions": FUNCTION_FORMS,
}
"""Fields that hold a word, each with the words it may hold."""

_MOST = 10**12
"""Largest value of an integer field; sums of cycles then stay within 64 bits."""

_MOST_PES = 2**24
"""Largest wafer that is simulated, about 19 of today's."""


def _check_integer(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WaferSpecError(f"{name} has to be a whole number, got {value!r}")
    if value < least:
        raise WaferSpecError(f"{name} = {value} is too small; give at least {least}")
    if value > _MOST:
        raise WaferSpecError(f"{name} is too large; give at most {_MOST:,}")


def _check_words(spec: WaferSpec) -> None:
    for name, words in WORDS.items():
        if getattr(spec, name) not in words:
            raise WaferSpecError(
                f"{name} has to be one of {', '.join(words)}; got {getattr(spec, name)!r}"
            )


def _check_consistency(spec: WaferSpec) -> None:
    if not spec.name or not isinstance(spec.name, str):
        raise WaferSpecError("name has to be a text of at least one character")
    for name in ("cycles_per_wavelet", "bank_conflict_factor"):
        value = getattr(spec, name)
        if not isinstance(value, Fraction):
            raise WaferSpecError(f"{name} has to be a fraction such as 9/8, got {value!r}")
        if not 1 <= value <= 10**6:
            raise WaferSpecError(f"{name} = {value} is out of range; give 1 to 1,000,000")
    if spec.pes > _MOST_PES:
        raise WaferSpecError(
            f"rows x cols = {spec.rows} x {spec.cols} exceeds the {_MOST_PES:,} PEs that can be "
            "simulated; give fewer"
        )
    for axis in ("rows", "cols"):
        size, fabric = getattr(spec, axis), getattr(spec, f"fabric_{axis}")
        if size > fabric:
            raise WaferSpecError(
                f"{axis} = {size} exceeds the fabric's {fabric} {axis} (field fabric_{axis}); "
                f"give at most {fabric}"
            )
    pairs = (
        ("reserved_bytes_per_pe", "sram_bytes_per_pe"),
        ("reserved_colors", "colors"),
    )
    for small, large in pairs:
        if getattr(spec, small) >= getattr(spec, large):
            raise WaferSpecError(
                f"{small} = {getattr(spec, small)} leaves nothing of {large} = "
                f"{getattr(spec, large)}; lower {small}"
            )
    if spec.sram_bank_groups > spec.sram_banks:
        raise WaferSpecError(
            f"sram_bank_groups = {spec.sram_bank_groups} exceeds sram_banks = {spec.sram_banks}"
        )


def _check_lanes(lanes: tuple[LaneRate, ...]) -> None:
    seen = set()
    for rate in lanes:
        where = f"lanes.{rate.op_class}.{rate.dtype}"
        if rate.op_class not in OP_CLASSES:
            raise WaferSpecError(f"{where}: no such op class; one of {', '.join(OP_CLASSES)}")
        if rate.dtype not in LANE_DTYPES:
            raise WaferSpecError(f"{where}: no such format; one of {', '.join(LANE_DTYPES)}")
        if (rate.op_class, rate.dtype) in seen:
            raise WaferSpecError(f"{where} is given twice; keep one")
        seen.add((rate.op_class, rate.dtype))
        if not Fraction(1, 10**6) <= rate.elements_per_cycle <= 10**6:
            raise WaferSpecError(
                f"{where} = {rate.elements_per_cycle} elements a cycle is out of range; give more "
                "than 0, at least 1/1,000,000 and at most 1,000,000"
            )
        if rate.launch_cycles is not None:
            _check_integer(f"{where}.launch_cycles", rate.launch_cycles, 0)
