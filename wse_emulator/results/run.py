"""RunResult: the answer of one emulated step, complete enough to draw every picture from.

The value splits in two: facts that go to ``run.json`` and arrays that go to ``run.npz``. Reading
the two files gives the value back (:mod:`wse_emulator.results.files`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from wse_emulator.request import Request
from wse_emulator.results.answer import StepAnswer
from wse_emulator.results.facts import FunctionForms, Lever, ModelFacts, OptimizerFacts, WaferFacts
from wse_emulator.wafer.arrays import FloatArray, IntArray
from wse_emulator.wafer.region import PLANES

RUN_SCHEMA = "wse-run/1"


def _unknown() -> IntArray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One step. ``seconds`` is cycles divided by the clock."""

    step: int
    learning_rate: float | None
    cycles: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    """One parameter: where it lies, when its ops ran, what it took.

    Attributes:
        layer: name of the layer region it shares.
        region: [row, col, rows, cols].
        start_cycle, end_cycle: first start and last end of its ops; -1 if it has none.
        ops: number of tensor ops of its step.
        pe_cycles: cycles of work summed over all PEs.
        strip_elements: strip length of its chain; 0 where nothing runs.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    dtype: str
    region: tuple[int, int, int, int]
    start_cycle: int
    end_cycle: int
    ops: int
    pe_cycles: int
    strip_elements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpFacts:
    """One kind of op over the whole step: where the time goes.

    Attributes:
        name: base name of the op (``addcmul``), or ``broadcast`` for messages.
        phase: ``schedule`` (controller), ``broadcast``, ``update``.
        count: tensor ops of this kind.
        pe_cycles: busy cycles summed over all PEs.
        unsourced_pe_cycles: those of the class ``ours``: sequences of documented instructions that
            nobody timed.
        counted_pe_cycles: those of the class ``counted``: operations counted in the vendor's
            source. All others rest on evidence.
    """

    name: str
    phase: str
    count: int
    pe_cycles: int
    unsourced_pe_cycles: int
    counted_pe_cycles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPart:
    """One stretch of the critical PE's time, in order: what it did or waited for."""

    what: str
    phase: str  # schedule | broadcast | update | wait
    start_cycle: int
    end_cycle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """One message or collective on the fabric: where and when, for the trace and the replay.

    All messages of one kind in the rounds of a product of matrices are one record.

    Attributes:
        kind: ``multicast``, ``chain``, ``star``, ``send``.
        tensor: index of the tensor it serves, -1 for the controller.
        region: [row, col, rows, cols] of the PEs that take part.
        root: (row, col) of the source, or of the PE that receives the sum; of the first of them
            if there are many.
        wavelets: length of the longest of them.
        start_cycle, end_cycle: earliest ready, latest release.
        count: messages.
        cycles: from ready to release, summed over them.
    """

    name: str
    kind: str
    tensor: int
    region: tuple[int, int, int, int]
    root: tuple[int, int]
    wavelets: int
    start_cycle: int
    end_cycle: int
    count: int = 1
    cycles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeSample:
    """What one PE did from the first cycle to its last: a row of the trace.

    Attributes:
        pe: (row, col).
        why: what it stands for: ``critical``, ``least busy``, ``nearest the controller``.
        parts: stretches of time in order, without overlap.
    """

    pe: tuple[int, int]
    why: str
    parts: tuple[CriticalPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBooking:
    """A message that had a link, from one cycle to another."""

    what: str
    start_cycle: int
    end_cycle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSample:
    """When one link was booked: a row of the trace.

    Attributes:
        pe: (row, col) of the router it leaves.
        direction: ``E``, ``W``, ``S``, ``N``, or ``D`` for the ramp down to the PE.
        parts: its bookings in order of time; their cycles sum to ``link_busy`` of the link.
    """

    pe: tuple[int, int]
    direction: str
    parts: tuple[LinkBooking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilization:
    """Fractions of the step, over all PEs, all fabric links, and the fullest PE's SRAM."""

    pe_busy: float
    link_busy: float
    sram_peak: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFacts:
    """Bytes over all PEs by category, and the worst and mean PE."""

    bytes: dict[str, int]
    capacity_bytes: int
    peak_bytes: int
    mean_bytes: float
    worst_pe: tuple[int, int]
    worst_pe_bytes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WallSeconds:
    """Seconds the emulator itself took; the only part of a result that differs between runs."""

    capture: float = 0.0
    place: float = 0.0
    simulate: float = 0.0
    report: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunArrays:
    """Arrays of a result.

    Attributes:
        pe_busy: (rows, cols) busy cycles of each PE.
        sram_peak: (rows, cols) peak bytes of each PE.
        link_busy: (5, rows, cols) booked cycles, planes E, W, S, N, D.
        op_start, op_end: (ops,) cycles; -1 for ops without cost.
        op_tensor: (ops,) index of the tensor of each op, -1 for the controller.
        op_cycles: (ops,) cycles of work of each op on the PE that has most of it, without what
            else happens between its start and its end; empty in results of versions that did not
            write it.
        bin_cycles: cycles covered by one bin of the series below (the last may cover fewer).
        busy_pes, busy_links, temporary_bytes: (bins,) averages over each bin.
        rate_step, rate_value: the learning-rate curve, (points,) steps and rates.
    """

    pe_busy: IntArray
    sram_peak: IntArray
    link_busy: IntArray
    op_start: IntArray
    op_end: IntArray
    op_tensor: IntArray
    bin_cycles: int
    busy_pes: FloatArray
    busy_links: FloatArray
    temporary_bytes: FloatArray
    rate_step: IntArray
    rate_value: FloatArray
    op_cycles: IntArray = field(default_factory=_unknown)


def arrays_without_step(
    sram_peak: IntArray, op_tensor: IntArray, rate_curve: tuple[IntArray, FloatArray]
) -> RunArrays:
    """The arrays of a result that timed nothing: bytes in every PE, and the learning rates."""
    shape = sram_peak.shape
    nowhere, no_series = np.full(op_tensor.size, -1, dtype=np.int64), np.zeros(0)
    return RunArrays(
        pe_busy=np.zeros(shape, dtype=np.int64),
        sram_peak=sram_peak,
        link_busy=np.zeros((len(PLANES), *shape), dtype=np.int64),
        op_start=nowhere,
        op_end=nowhere,
        op_tensor=op_tensor,
        op_cycles=np.zeros(op_tensor.size, dtype=np.int64),
        bin_cycles=1,
        busy_pes=no_series,
        busy_links=no_series,
        temporary_bytes=no_series,
        rate_step=rate_curve[0],
        rate_value=rate_curve[1],
    )


MEMORY_ALONE: Final = "none"
"""Engine of a result that tells bytes alone, as the page of ``wse fit`` does: it has no steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class RunResult(StepAnswer):
    """One emulated run. See the field types for units; ``digest`` is equal for both engines.

    ``config_unused`` names what a run config holds and the emulator does not use; ``request`` is
    the question, None only in a file of a version that did not write it. ``notes`` are sentences on
    how the steps of a loop were taken (``attach``). ``unsourced_share`` is the share of the busy
    cycles of the class ``ours``; ``forms`` is the step with its functions in both forms, None if it
    computes none of a vector.

    Example:
        >>> result = wse_emulator.run(torch.nn.Linear(64, 64), wafer="wse2:8x8")
        >>> print(str(result).splitlines()[0])
        Linear: 4,160 parameters in 2 tensors, AdamW, on wse2:8x8 (8 rows x 8 columns)...
        >>> result.steps[0].cycles == result.critical_path[-1].end_cycle
        True
    """

    wafer: WaferFacts
    model: ModelFacts
    optimizer: OptimizerFacts
    scheduler: str | None
    controller: tuple[int, int]
    engine: str
    mode: str
    fits: bool
    steps: tuple[StepFacts, ...]
    tensors: tuple[TensorFacts, ...]
    layers: tuple[tuple[str, tuple[int, int, int, int]], ...]
    ops: tuple[OpFacts, ...]
    op_names: tuple[str, ...]
    critical_path: tuple[CriticalPart, ...]
    utilization: Utilization
    memory: MemoryFacts
    unsourced_share: float
    seconds_interval: tuple[float, float]
    assumptions: tuple[str, ...]
    events: int
    wall_seconds: WallSeconds
    digest: str
    command: str
    messages: tuple[MessageFacts, ...] = ()
    samples: tuple[PeSample, ...] = ()
    links: tuple[LinkSample, ...] = ()
    levers: tuple[Lever, ...] = ()
    gap_bytes: int = 0
    config_unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    forms: FunctionForms | None = None
    request: Request | None = None
    arrays: RunArrays

    def document(self) -> dict[str, object]:
        """The JSON document of ``wse run --json``, without arrays; see :mod:`.files`."""
        # that module reads and writes this class
        from wse_emulator.results.files import run_document  # noqa: PLC0415

        return run_document(self)


@dataclass(frozen=True, slots=True)
class PeTime:
    """One PE's step.

    Attributes:
        pe: (row, col).
        parts: stretches of its time in order.
        low_cycles, high_cycles: when it would end at the lower and upper ends of the ranges of its
            costs.
    """

    pe: tuple[int, int]
    parts: tuple[CriticalPart, ...]
    low_cycles: int
    high_cycles: int
