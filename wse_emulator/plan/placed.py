"""A request's step, placed and planned: the one place where fitting is decided.

``fit`` stops here, ``run`` goes on, ``preflight`` does both with one plan. The whole wafer is tried
first, then the parts of it on which the cuts may be better; samples move with the least
recomputation and the largest micro-batch that fit; ``auto`` streams what cannot lie on the wafer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from wse_emulator.errors import InputError, UnknownOpError
from wse_emulator.ops import check_costs
from wse_emulator.placement.place import place
from wse_emulator.placement.values import Placement
from wse_emulator.plan.activations import ActivationProfile
from wse_emulator.plan.extents import Layers, promising_extents
from wse_emulator.plan.holdings import Holding, holdings, load_per_element
from wse_emulator.plan.in_flight import pipelined_bytes, recomputable_layers, streaming_bytes
from wse_emulator.plan.known import Known
from wse_emulator.plan.memory import MemoryPlan
from wse_emulator.plan.samples import Samples, choose_samples
from wse_emulator.plan.sparse import place_kept
from wse_emulator.plan.step import StepPlan, plan_step
from wse_emulator.plan.streaming import Server, plan_streaming
from wse_emulator.request import Request

MOST_BYTES: Final = 2**56
MOST_STATE_BYTES: Final = 2**62
"""Over all PEs: what 64-bit counters hold with all that is added."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """One request with all that was planned for it.

    Attributes:
        request: the question, with the mode that was chosen.
        known: what was captured and measured.
        held: what lies beside each parameter on the wafer.
        memory: bytes in every PE.
        placement: the rectangles; None when weights stream, where all PEs hold the same.
        plan: bytes and strips of the step on the wafer; None when weights stream.
        samples: how samples move; None without a batch size.
        server: the weight server, when weights stream.
        mode_reason: why the mode was chosen, if it was.
        refused: the op for which weights stream, since it cannot run on the wafer.
    """

    request: Request
    known: Known
    held: tuple[Holding, ...]
    memory: MemoryPlan
    placement: Placement | None = None
    plan: StepPlan | None = None
    samples: Samples | None = None
    server: Server | None = None
    mode_reason: str | None = None
    refused: UnknownOpError | None = None

    @property
    def fits(self) -> bool:
        """Whether every PE has room."""
        return self.memory.fits


def place_and_plan(known: Known, request: Request) -> Placed:
    """Where a step lies, what it needs in every PE, and whether that fits.

    Args:
        known: the captured step, in the dtypes of the request, and the activations of a sample.
        request: machine, mode, samples, precision and sparsity.

    Raises:
        UnknownOpError: an op that a PE cannot carry out, or a matrix that no PE can hold.
        InputError: a model or a batch beyond all counting.
    """
    if request.mode == "pipelined":
        return _pipelined(known, request)
    if request.mode == "weight-streaming":
        return _streaming(known, request)
    refused = None
    try:
        resident = _pipelined(known, replace(request, mode="pipelined"))
    except UnknownOpError as error:  # what does not fit in a PE need not lie in one, streamed
        refused, reason = error, error.message
    else:
        if resident.fits:
            return replace(resident, mode_reason="all layers fit on the wafer at once")
        reason = (
            f"pipelined needs {resident.memory.worst_bytes:,} B on the fullest PE, "
            f"{resident.memory.gap_bytes:,} B more than there are"
        )
    streamed = _streaming(known, replace(request, mode="weight-streaming"))
    return replace(streamed, mode_reason=reason, refused=refused)


def _pipelined(known: Known, request: Request) -> Placed:
    check_costs(known.program, request.wafer)
    sparsity = known.sparsity
    held = holdings(known.program, request.precision, sparsity.shrinking())
    _check_state(known, held)
    load = [
        float(bytes_each)
        - (1 - sparsity.density(parameter)) * sum(holding.sparse_bytes.values())
        + (sparsity.density(parameter) * sparsity.index_bytes if sparsity.kept else 0)
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

    def plan(activations: dict[str, int], extent: tuple[int, int] | None = None) -> Placed:
        dense = place(
            known.program.parameters,
            request.wafer,
            bytes_per_parameter=load,
            forms=known.forms,
            layer_bytes={name: float(size) for name, size in activations.items()},
            extent=extent,
        )
        placement = place_kept(dense, sparsity)
        step = plan_step(
            known.program,
            placement,
            precision=request.precision,
            held=held,
            sparsity=sparsity,
            activation_bytes=activations,
            costs=known.costs,
        )
        return Placed(
            request=request,
            known=known,
            held=held,
            memory=step.memory,
            placement=placement,
            plan=step,
        )

    def plan_on_any_extent(activations: dict[str, int]) -> Placed:
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
    planned: dict[Samples, Placed] = {}

    def alive(samples: Samples) -> dict[str, int]:
        return pipelined_bytes(profile, batch, samples.micro_batch, samples.recomputed)

    def may_fit(samples: Samples) -> bool:
        return layers.total(alive(samples)) <= request.wafer.pes * layers.room

    def fits(samples: Samples) -> bool:
        if samples not in planned:
            planned[samples] = plan(alive(samples))
        return planned[samples].fits

    _check_countable(alive(_least(profile)))
    samples = choose_samples(request, profile, may_fit, fits)
    chosen = planned.get(samples)
    if chosen is None or not chosen.fits:
        chosen = plan_on_any_extent(alive(samples))
    return replace(chosen, samples=samples)


def _streaming(known: Known, request: Request) -> Placed:
    held = holdings(known.program, request.precision, known.sparsity.shrinking())
    _check_state(known, held)

    def plan(samples: Samples | None) -> tuple[MemoryPlan, Server]:
        return plan_streaming(request, known, held, samples)

    def fits(samples: Samples) -> bool:
        return plan(samples)[0].fits

    samples = None
    profile = known.profile
    if profile is not None and request.batch_size is not None:
        least = _least(profile)
        _check_countable(streaming_bytes(profile, request.batch_size, 1, least.recomputed))
        samples = choose_samples(request, profile, fits, fits)
    memory, server = plan(samples)
    return Placed(
        request=request, known=known, held=held, memory=memory, samples=samples, server=server
    )


def _least(profile: ActivationProfile) -> Samples:
    """The way to move samples that keeps the fewest bytes."""
    return Samples(micro_batch=1, recomputed=recomputable_layers(profile))


def _check_state(known: Known, held: tuple[Holding, ...]) -> None:
    """Refuse a model whose training state exceeds what 64-bit counters hold."""
    parameters = known.program.parameters
    each = load_per_element(known.program, held)
    total = sum(p.numel * float(size) for p, size in zip(parameters, each, strict=True))
    if total > MOST_STATE_BYTES:
        raise InputError(
            f"{known.program.optimizer} keeps {total:.1e} B for the model, which no machine has; "
            "give a smaller model"
        )


def _check_countable(activations: Mapping[str, int]) -> None:
    """Refuse a batch whose bytes exceed what 64-bit counters hold with all that is added."""
    if sum(activations.values()) > MOST_BYTES:
        raise InputError(
            f"the batch needs {sum(activations.values()):.1e} B of activations at the least, "
            "which no machine has; give a smaller batch or sequence length"
        )
