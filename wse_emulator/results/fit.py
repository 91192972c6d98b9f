"""FitReport: does it fit, why, by how much, and what would change it.

The dataclasses are the schema of ``wse fit --json`` ("wse-fit/1"); the per-PE maps that pictures
are drawn from are kept beside them, in :class:`FitMaps`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final, Literal

from wse_emulator.request import Request
from wse_emulator.results.answer import StepAnswer
from wse_emulator.results.codec import encode
from wse_emulator.results.facts import Lever, ModelFacts, OptimizerFacts, WaferFacts
from wse_emulator.results.fit_answers import fit_verdict, room, solution_words
from wse_emulator.results.sentences import Sentence
from wse_emulator.wafer.arrays import IntArray

FIT_SCHEMA: Final = "wse-fit/1"

Solvable = Literal["batch", "sequence", "width", "depth"]
SOLVABLE: Final[tuple[Solvable, ...]] = ("batch", "sequence", "width", "depth")
"""What the largest that fits can be asked of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeFacts:
    """Bytes over the PEs.

    Attributes:
        used: PEs that hold anything beside the reserve.
        capacity_bytes: SRAM of one PE.
        peak_bytes: the fullest PE.
        mean_bytes: mean over all PEs: no placement can have a lower peak.
        near_limit: PEs over 95 % of the capacity.
        over_limit: PEs over the capacity.
        percentiles: percentile -> bytes.
    """

    used: int
    capacity_bytes: int
    peak_bytes: int
    mean_bytes: float
    near_limit: int
    over_limit: int
    percentiles: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBytes:
    """What one tensor (or other holder) takes of a PE."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPe:
    """A PE among the fullest: one of each layer rectangle, fullest first."""

    row: int
    col: int
    layer: str
    bytes: int
    by_category: dict[str, int]
    held: tuple[HeldBytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """One layer rectangle: [row, col, rows, cols], bytes over its PEs, its fullest PE."""

    name: str
    region: tuple[int, int, int, int]
    bytes: dict[str, int]
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFacts:
    """What activations were counted for.

    Attributes:
        batch_size: samples per step.
        sequence_length: tokens per sample; None for models without sequences.
        micro_batch: samples that move through the layers together.
        recompute: ``none``: all saved tensors are kept; ``full``: only what entered a layer; else
            how many of the first layers are recomputed.
        recomputed_layers, layers: the same as numbers.
        chosen: which of micro_batch and recompute the planner chose (``auto``).
        samples_in_flight: most samples that one layer holds at a time.
        bytes_per_sample: saved tensors of one sample over all layers, before recomputation.
    """

    batch_size: int
    sequence_length: int | None
    micro_batch: int
    recompute: str
    recomputed_layers: int
    layers: int
    chosen: tuple[str, ...]
    samples_in_flight: int
    bytes_per_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightServer:
    """What lies outside the wafer in weight streaming, and how long it takes to move.

    Attributes:
        bytes: category -> bytes at the server.
        link_bytes_per_second: to the wafer and from it.
        bytes_in, bytes_out: a step: weights twice (forward and backward), gradients once.
        link_seconds: the longer of the two directions.
        wafer_terms: what fills the wafer meanwhile, in words, bytes over all PEs.
    """

    bytes: dict[str, int]
    link_bytes_per_second: int
    bytes_in: int
    bytes_out: int
    link_seconds: float
    wafer_terms: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRow:
    """One line of the table over optimizers; ``refused`` says why one cannot take the model."""

    optimizer: str
    fits: bool = False
    state_bytes: int = 0
    peak_bytes: int = 0
    gap_bytes: int = 0
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The largest size that fits: of batch, sequence, width or depth.

    Attributes:
        what: which size.
        unit: what it is counted in.
        fits_at: the size; 0 if even the smallest does not fit.
        bounded: False if no limit was found: memory does not depend on it any more.
        next_value: the next larger size; 0 if unbounded.
        next_gap_bytes: bytes by which that exceeds the fullest PE.
        limit: why the next size is no question of memory (positions of the model), if so.
    """

    what: str
    unit: str
    fits_at: int
    bounded: bool
    next_value: int
    next_gap_bytes: int
    limit: str = ""

    @property
    def sentence(self) -> str:
        """The answer in words, without a full stop."""
        return solution_words(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FitMaps:
    """(rows, cols) bytes in every PE: by category, and the peak."""

    categories: dict[str, IntArray]
    peak: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FitReport(StepAnswer):
    """The answer. Bytes are over all PEs where not said otherwise.

    Attributes:
        mode: ``pipelined`` or ``weight-streaming``.
        mode_reason: why, where the mode was chosen automatically.
        precision: name of the policy.
        sparsity: fraction of elements left out of sparse parameters, 0 for dense.
        activations_counted: False without a batch size: the optimizer step alone is judged.
        bytes: category -> bytes; ``total`` sums them.
        gap_bytes: bytes by which the fullest PE exceeds its SRAM, 0 if it fits.
        bound_bytes: mean bytes per PE: the least any placement can reach.
        strip_elements: shortest and longest strip of the step's chains.
        weight_server: in weight streaming only.
        notes: assumptions and hints, one sentence each.
        config_unused: what a run config holds and the answer does not use.
        request: the question.
        maps: bytes in every PE, for pictures; no part of the JSON.

    Example:
        >>> report = wse_emulator.fit("gpt2", optimizer="Lion", lr=1e-3, levers=False)
        >>> report.fits, report.pe.capacity_bytes
        (True, 49152)
        >>> sorted(report.tables())
        ['fullest_pes', 'layers', 'memory', 'percentiles']
    """

    wafer: WaferFacts
    model: ModelFacts
    optimizer: OptimizerFacts
    mode: str
    mode_reason: str | None
    precision: str
    sparsity: float
    batch: BatchFacts | None
    activations_counted: bool
    fits: bool
    bytes: dict[str, int]
    pe: PeFacts
    gap_bytes: int
    bound_bytes: float
    strip_elements: tuple[int, int]
    layers: tuple[LayerFacts, ...]
    worst: tuple[WorstPe, ...]
    levers: tuple[Lever, ...]
    optimizers: tuple[OptimizerRow, ...]
    weight_server: WeightServer | None
    solution: Solution | None
    notes: tuple[Sentence, ...]
    command: str
    config_unused: tuple[str, ...] = ()
    request: Request
    maps: FitMaps = field(repr=False)

    @property
    def verdict(self) -> str:
        """The answer in one sentence, and what would make it fit."""
        return fit_verdict(self)

    @property
    def inequality(self) -> str:
        """The headroom or gap of the fullest PE, and what an even placement would need."""
        return room(self)

    def document(self) -> dict[str, object]:
        """The JSON document, schema "wse-fit/1"."""
        document: dict[str, object] = {"schema": FIT_SCHEMA, "verdict": self.verdict}
        for entry in fields(self):
            if entry.name != "maps":
                document[entry.name] = encode(getattr(self, entry.name))
        return document
