"""Judging one request: what is stored where, and whether every PE has room for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from wse_emulator.errors import InputError, UnknownOpError
from wse_emulator.inputs.read import ALL_LAYERS, FitRequest
from wse_emulator.models.names import layer_of
from wse_emulator.placement.place import place
from wse_emulator.placement.values import Placement
from wse_emulator.plan.extents import Layers, promising_extents
from wse_emulator.plan.holdings import Holding, holdings, load_per_element
from wse_emulator.plan.in_flight import pipelined_bytes, streaming_bytes
from wse_emulator.plan.memory import DENSE, MemoryPlan, Sparsity
from wse_emulator.plan.samples import Samples, choose_samples
from wse_emulator.plan.step import plan_step
from wse_emulator.plan.streaming import Server, plan_streaming
from wse_emulator.plan.strips import StripChoice
from wse_emulator.program import Parameter
from wse_emulator.questions.fit.known import Known, learn

DENSE_NAMES: Final = ("embed", "wte", "wpe", "shared", "norm", "head", "position", "token")
"""Parts of the names of parameters that stay dense: embeddings, norms, output layers."""


MOST_BYTES: Final = 2**56


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """One request with all that was planned for it.

    Attributes:
        request: the question, with the mode that was chosen.
        known: what was captured and measured.
        held: what lies beside each parameter on the wafer; empty where nothing does.
        memory: bytes in every PE.
        placement: the rectangles; None when weights stream, where all PEs hold the same.
        strips: strips of the step on the wafer.
        samples: how samples move; None without a batch size.
        server: the weight server, when weights stream.
        mode_reason: why the mode was chosen, if it was.
    """

    request: FitRequest
    known: Known
    held: tuple[Holding, ...]
    memory: MemoryPlan
    placement: Placement | None
    strips: tuple[StripChoice, ...] = ()
    samples: Samples | None = None
    server: Server | None = None
    mode_reason: str | None = None

    @property
    def fits(self) -> bool:
        """Whether every PE has room."""
        return self.memory.fits


def judge(request: FitRequest, before: Judgement | None = None) -> Judgement:
    """Plan a request; ``before`` saves finding again what a similar one has found.

    Raises:
        WseError: a model, optimizer or number that cannot be used.
    """
    known = learn(request, (before.request, before.known) if before else None)
    if request.mode == "pipelined":
        return _pipelined(request, known)
    if request.mode == "weight-streaming":
        return _streaming(request, known)
    try:
        resident = _pipelined(replace(request, mode="pipelined"), known)
    except UnknownOpError as error:  # what does not fit in a PE need not lie in one, streamed
        reason = error.message
    else:
        if resident.fits:
            return replace(resident, mode_reason="all layers fit on the wafer at once")
        reason = (
            f"pipelined needs {resident.memory.worst_bytes:,} B on the fullest PE, "
            f"{resident.memory.gap_bytes:,} B more than there are"
        )
    streamed = _streaming(replace(request, mode="weight-streaming"), known)
    return replace(streamed, mode_reason=reason)


def _pipelined(request: FitRequest, known: Known) -> Judgement:
    sparsity, states = _sparsity(request, known)
    held = holdings(known.program, request.precision, states)
    load = [
        float(bytes_each)
        - (1 - _density(sparsity, parameter)) * sum(holding.sparse_bytes.values())
        + (_density(sparsity, parameter) * sparsity.index_bytes if states else 0)
        for bytes_each, holding, parameter in zip(
            load_per_element(known.program, held), held, known.program.parameters, strict=True
        )
    ]

    layers = Layers(
        parameters=known.program.parameters,
        load=tuple(load),
        forms=known.forms,
        held=held,
        room=request.wafer.sram_bytes_per_pe - request.wafer.reserved_bytes_per_pe,
    )

    def plan(activations: dict[str, int], extent: tuple[int, int] | None = None) -> Judgement:
        placement = place(
            known.program.parameters,
            request.wafer,
            bytes_per_parameter=load,
            forms=known.forms,
            layer_bytes={name: float(size) for name, size in activations.items()},
            extent=extent,
        )
        step = plan_step(
            known.program,
            placement,
            precision=request.precision,
            held=held,
            sparsity=sparsity,
            activation_bytes=activations,
            costs=known.costs,
        )
        return Judgement(
            request=request,
            known=known,
            held=held,
            memory=step.memory,
            placement=placement,
            strips=step.strips,
        )

    def plan_on_any_extent(activations: dict[str, int]) -> Judgement:
        whole = plan(activations)
        if whole.fits or whole.memory.mean_bytes > request.wafer.sram_bytes_per_pe:
            return whole
        for extent in promising_extents(
            request.wafer, layers, activations, whole.memory.worst_bytes
        ):
            part = plan(activations, extent)
            if part.fits:
                return part
        return whole

    if known.profile is None or request.batch_size is None:
        return plan_on_any_extent({})
    profile, batch = known.profile, request.batch_size
    planned: dict[Samples, Judgement] = {}

    def alive(samples: Samples) -> dict[str, int]:
        return pipelined_bytes(profile, batch, samples.micro_batch, samples.recomputed)

    def may_fit(samples: Samples) -> bool:
        return layers.total(alive(samples)) <= request.wafer.pes * layers.room

    def fits(samples: Samples) -> bool:
        if samples not in planned:
            planned[samples] = plan(alive(samples))
        return planned[samples].fits

    _check_countable(alive(Samples(micro_batch=1, recomputed=ALL_LAYERS)))
    samples = choose_samples(request, profile, may_fit, fits)
    chosen = planned.get(samples)
    if chosen is None or not chosen.fits:
        chosen = plan_on_any_extent(alive(samples))
    return replace(chosen, samples=samples)


def _streaming(request: FitRequest, known: Known) -> Judgement:
    sparsity, states = _sparsity(request, known)
    held = holdings(known.program, request.precision, states)

    def plan(samples: Samples | None) -> tuple[MemoryPlan, Server]:
        return plan_streaming(request, known.program, known.profile, held, sparsity, samples)

    def fits(samples: Samples) -> bool:
        return plan(samples)[0].fits

    samples = None
    if known.profile is not None and request.batch_size is not None:
        least = streaming_bytes(known.profile, request.batch_size, 1, ALL_LAYERS)
        _check_countable(least)
        samples = choose_samples(request, known.profile, fits, fits)
    memory, server = plan(samples)
    return Judgement(
        request=request,
        known=known,
        held=held,
        memory=memory,
        placement=None,
        samples=samples,
        server=server,
    )


def _check_countable(activations: Mapping[str, int]) -> None:
    """Refuse a batch whose bytes exceed what 64-bit counters hold with all that is added."""
    if sum(activations.values()) > MOST_BYTES:
        raise InputError(
            f"the batch needs {sum(activations.values()):.1e} B of activations at the least, "
            "which no machine has; give a smaller batch or sequence length"
        )


def _sparsity(
    request: FitRequest, known: Known
) -> tuple[Sparsity, dict[int, frozenset[str]] | None]:
    """Which parameters are sparse, and the states that shrink with them."""
    if request.masks:
        index_of = {p.name: p.index for p in known.program.parameters}
        masks = {index_of[name]: mask for name, mask in request.masks.items()}
        kept = {index: int(mask.sum()) for index, mask in masks.items()}
        return Sparsity(kept=kept, masks=masks), dict.fromkeys(kept, known.sparse_states)
    if request.sparsity == 0:
        return DENSE, None
    sparse = [p for p in known.program.parameters if is_sparse(p)]
    kept = {p.index: ceil((1 - request.sparsity) * p.numel) for p in sparse}
    return Sparsity(kept=kept), {p.index: known.sparse_states for p in sparse}


def is_sparse(parameter: Parameter) -> bool:
    """Whether a parameter takes part in sparsity: matrices of the layers.

    Vectors stay dense, and so do embeddings, norms and output layers, told by their names.
    """
    if len(parameter.shape) < 2:
        return False
    if layer_of(parameter.name) is not None:
        return "norm" not in parameter.name.lower()
    return not any(word in parameter.name.lower() for word in DENSE_NAMES)


def _density(sparsity: Sparsity, parameter: Parameter) -> float:
    kept = sparsity.kept.get(parameter.index)
    return 1.0 if kept is None or parameter.numel == 0 else kept / parameter.numel
