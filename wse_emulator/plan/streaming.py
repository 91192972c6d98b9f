"""Weight streaming: what is on the wafer while one layer's weights pass, and what the server has.

Every PE holds the same share: a layer that passes uses the whole wafer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wse_emulator.placement.layers import group_layers
from wse_emulator.placement.shards import expand, flat_runs
from wse_emulator.plan.holdings import Holding
from wse_emulator.plan.in_flight import streaming_bytes
from wse_emulator.plan.known import Known
from wse_emulator.plan.memory import MemoryPlan
from wse_emulator.plan.samples import Samples
from wse_emulator.request import Request
from wse_emulator.wafer.arrays import IntArray
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The weight server: bytes it keeps and bytes it moves in a step.

    Attributes:
        weights, gradients, optimizer_state: bytes kept; gradients as they arrive.
        bytes_in: to the wafer: weights once in forward and once in backward.
        bytes_out: from it: gradients once.
        terms: what fills the wafer, in words, over all PEs.
        largest_layer: the layer whose weights and gradients take the most in flight.
    """

    weights: int
    gradients: int
    optimizer_state: int
    bytes_in: int
    bytes_out: int
    terms: dict[str, int]
    largest_layer: str


def plan_streaming(
    request: Request, known: Known, held: Sequence[Holding], samples: Samples | None
) -> tuple[MemoryPlan, Server]:
    """Bytes in every PE, and at the server.

    On the wafer are the weights of one layer in the compute dtype, their gradients, and the
    activations. Optimizer state and step live at the server.
    """
    program, sparsity, profile = known.program, known.sparsity, known.profile
    parameters = program.parameters
    sent, back = [], []
    for parameter, holding in zip(parameters, held, strict=True):
        dtype = request.precision.compute or parameter.dtype
        elements = sparsity.kept.get(parameter.index, parameter.numel)
        index = sparsity.index_bytes if parameter.index in sparsity.kept else 0
        sent.append(elements * (BYTES[dtype] + index))
        gradient = holding.element_bytes["gradients"] + holding.sparse_bytes["gradients"]
        back.append(elements * gradient)
    groups = group_layers(
        [p.name for p in parameters], [a + b for a, b in zip(sent, back, strict=True)]
    )
    largest = max(groups, key=lambda group: group.load_bytes)
    weights = sum(sent[i] for i in largest.tensors)
    gradients = sum(back[i] for i in largest.tensors)
    terms = {f"weights of {largest.name}": weights, f"gradients of {largest.name}": gradients}
    activations = 0
    if profile is not None and samples is not None:
        assert request.batch_size is not None
        alive = streaming_bytes(
            profile, request.batch_size, samples.micro_batch, samples.recomputed
        )
        terms |= alive
        activations = sum(alive.values())
    spec = request.wafer
    nothing = np.zeros((spec.rows, spec.cols), dtype=np.int64)
    memory = MemoryPlan(
        capacity_bytes=spec.sram_bytes_per_pe,
        weights=_even(weights, spec),
        gradients=_even(gradients, spec),
        optimizer_state=nothing,
        activations=_even(activations, spec),
        temporaries=nothing,
        reserved_bytes=spec.reserved_bytes_per_pe,
    )
    return memory, _server(known, held, (sent, back), terms, largest.name)


def _server(
    known: Known,
    held: Sequence[Holding],
    moved: tuple[Sequence[int], Sequence[int]],
    terms: dict[str, int],
    largest: str,
) -> Server:
    """What the server keeps; ``moved`` are the bytes of each parameter to the wafer and back."""
    (sent, back), sparsity = moved, known.sparsity
    weights = state = 0
    for parameter, holding in zip(known.program.parameters, held, strict=True):
        kept = sparsity.kept.get(parameter.index, parameter.numel)
        index = sparsity.index_bytes if parameter.index in sparsity.kept else 0
        weights += parameter.numel * holding.element_bytes["weights"]
        weights += kept * (holding.sparse_bytes["weights"] + index)
        state += parameter.numel * holding.element_bytes["optimizer_state"]
        state += kept * holding.sparse_bytes["optimizer_state"] + holding.holder_bytes
        state += sum(other.elements * other.item_bytes for other in holding.others)
    return Server(
        weights=weights,
        gradients=sum(back),
        optimizer_state=state,
        bytes_in=2 * sum(sent),
        bytes_out=sum(back),
        terms=terms,
        largest_layer=largest,
    )


def _even(total: int, spec: WaferSpec) -> IntArray:
    """(rows, cols) shares of ``total`` bytes, equal to one byte."""
    shares: IntArray = expand(flat_runs(total, spec.pes)).reshape(spec.rows, spec.cols)
    return shares
