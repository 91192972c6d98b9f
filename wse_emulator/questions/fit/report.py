"""From a judgement to the report a person reads."""

from __future__ import annotations

from typing import Final

from wse_emulator.placement.shards import expand
from wse_emulator.placement.values import Placement
from wse_emulator.plan.in_flight import recomputable_layers, samples_in_flight
from wse_emulator.plan.memory import CATEGORIES, MemoryPlan
from wse_emulator.plan.sparse import INDEX_BYTES
from wse_emulator.questions.fit.judge import Judgement
from wse_emulator.results.answers import samples_counted
from wse_emulator.results.facts import Lever, ModelFacts, OptimizerFacts, WaferFacts
from wse_emulator.results.fit import (
    BatchFacts,
    FitMaps,
    FitReport,
    HeldBytes,
    LayerFacts,
    OptimizerRow,
    PeFacts,
    Solution,
    WeightServer,
    WorstPe,
)
from wse_emulator.results.fit_answers import default_length, missing_activations, sparse_storage
from wse_emulator.results.sentences import NOTHING, Sentence

NEAR_LIMIT: Final = 0.95
WORST_PES: Final = 5
WORST_HOLDERS: Final = 6


def report(
    judgement: Judgement,
    *,
    levers: tuple[Lever, ...] = (),
    optimizers: tuple[OptimizerRow, ...] = (),
    solution: Solution | None = None,
    batch_taken: Sentence = NOTHING,
    command: str = "",
) -> FitReport:
    """The ``FitReport`` of a planned request, with its levers, solution and optimizer table.

    ``batch_taken`` says which batch is judged, where none was given and samples are counted.
    """
    request, memory = judgement.request, judgement.memory
    spec, program = request.wafer, judgement.known.program
    counted = request.batch_size is not None
    model, plan = judgement.inputs.model, judgement.placed.plan
    strips = [s.elements for s in (plan.strips if plan else ()) if s.elements] or [0]
    return FitReport(
        wafer=WaferFacts(
            name=spec.name,
            rows=spec.rows,
            cols=spec.cols,
            pes=spec.pes,
            clock_hz=spec.clock_hz,
            sram_bytes_per_pe=spec.sram_bytes_per_pe,
            reserved_bytes_per_pe=spec.reserved_bytes_per_pe,
        ),
        model=ModelFacts(
            name=model.name,
            parameters=model.total_elements,
            tensors=len(model.parameters),
        ),
        optimizer=OptimizerFacts(name=program.optimizer, options=dict(request.optimizer.options)),
        mode=request.mode,
        mode_reason=judgement.placed.mode_reason,
        precision=request.precision.name,
        sparsity=_left_out(judgement),
        batch=_batch(judgement),
        activations_counted=counted,
        fits=memory.fits,
        bytes={**memory.totals, "total": memory.total_bytes},
        pe=pe_facts(memory),
        gap_bytes=memory.gap_bytes,
        bound_bytes=memory.mean_bytes,
        strip_elements=(min(strips), max(strips)),
        layers=_layers(judgement),
        worst=_worst(judgement),
        levers=levers,
        optimizers=optimizers,
        weight_server=_server(judgement),
        solution=solution,
        notes=_notes(judgement, batch_taken),
        command=command,
        request=judgement.inputs.request,
        config_unused=judgement.inputs.unused,
        maps=FitMaps(
            categories={name: memory.category(name) for name in CATEGORIES},
            peak=memory.peak_bytes,
        ),
    )


def pe_facts(memory: MemoryPlan) -> PeFacts:
    """Bytes over the PEs, in few numbers."""
    capacity = memory.capacity_bytes
    return PeFacts(
        used=memory.used_pes,
        capacity_bytes=capacity,
        peak_bytes=memory.worst_bytes,
        mean_bytes=memory.mean_bytes,
        near_limit=int((memory.peak_bytes > NEAR_LIMIT * capacity).sum()),
        over_limit=int((memory.peak_bytes > capacity).sum()),
        percentiles={str(point): value for point, value in memory.percentiles().items()},
    )


def _batch(judgement: Judgement) -> BatchFacts | None:
    request, samples, profile = judgement.request, judgement.placed.samples, judgement.known.profile
    if samples is None or profile is None or request.batch_size is None:
        return None
    layers = recomputable_layers(profile)
    flight = request.batch_size
    if request.mode == "pipelined":
        stages = len(profile.stages)
        flight = samples_in_flight(0, stages, request.batch_size, samples.micro_batch)
    given = {"micro_batch": request.micro_batch, "recompute": request.recompute}
    return BatchFacts(
        batch_size=request.batch_size,
        sequence_length=profile.sequence,
        micro_batch=samples.micro_batch,
        recompute=_recompute_words(samples.recomputed, layers),
        recomputed_layers=samples.recomputed,
        layers=layers,
        chosen=tuple(name for name, value in given.items() if value is None),
        samples_in_flight=flight,
        bytes_per_sample=profile.saved_per_sample,
    )


def _recompute_words(recomputed: int, layers: int) -> str:
    if recomputed == 0:
        return "none"
    return "full" if recomputed == layers else f"the first {recomputed} of {layers} layers"


def _server(judgement: Judgement) -> WeightServer | None:
    server = judgement.placed.server
    if server is None:
        return None
    rate = judgement.request.wafer.host_bytes_per_second
    return WeightServer(
        bytes={
            "weights": server.weights,
            "gradients": server.gradients,
            "optimizer_state": server.optimizer_state,
            "total": server.weights + server.gradients + server.optimizer_state,
        },
        link_bytes_per_second=rate,
        bytes_in=server.bytes_in,
        bytes_out=server.bytes_out,
        link_seconds=max(server.bytes_in, server.bytes_out) / rate,
        wafer_terms=server.terms,
    )


def _notes(judgement: Judgement, batch_taken: Sentence) -> tuple[Sentence, ...]:
    request, profile = judgement.request, judgement.known.profile
    notes = [batch_taken]
    if profile is None:
        notes.append(samples_counted(request, judgement.inputs.unused))
    elif request.sequence is None and profile.sequence is not None:
        notes.append(default_length(profile.sequence, profile.positions))
    if profile is not None and profile.missing:
        notes.append(missing_activations(profile.missing))
    if request.sparse:
        held = judgement.placed.held
        dense = max((sum(holding.sparse_bytes.values()) for holding in held), default=0)
        notes.append(sparse_storage(dense, INDEX_BYTES))
    return tuple(filter(None, notes))


def _left_out(judgement: Judgement) -> float:
    """Fraction of the elements of sparse parameters that is left out."""
    masks = judgement.inputs.masks.values()
    elements = sum(mask.size for mask in masks)
    if not elements:
        return judgement.request.sparsity
    kept = sum(int(mask.sum()) for mask in masks)
    return 1.0 - kept / elements


def _layers(judgement: Judgement) -> tuple[LayerFacts, ...]:
    memory, wafer = judgement.memory, judgement.request.wafer
    if judgement.placed.placement is None:
        return (
            LayerFacts(
                name="every layer in turn",
                region=(0, 0, wafer.rows, wafer.cols),
                bytes=dict(memory.totals),
                peak_bytes=memory.worst_bytes,
            ),
        )
    layers = judgement.placed.placement.layers
    return tuple(
        LayerFacts(
            name=layer.name,
            region=(layer.region.row, layer.region.col, layer.region.rows, layer.region.cols),
            bytes=dict(held.bytes),
            peak_bytes=int(memory.peak_bytes[layer.region.slices].max()),
        )
        for layer, held in zip(layers, memory.of_layers(layers), strict=True)
    )


def _worst(judgement: Judgement) -> tuple[WorstPe, ...]:
    """The fullest PE of each of the fullest rectangles, and what it holds."""
    memory, placement = judgement.memory, judgement.placed.placement
    if placement is None:
        row, col = memory.worst_pe
        terms = judgement.placed.server.terms if judgement.placed.server else {}
        pes = judgement.request.wafer.pes
        held = tuple(HeldBytes(name=name, bytes=-(-size // pes)) for name, size in terms.items())
        return (
            WorstPe(
                row=row,
                col=col,
                layer="every layer in turn",
                bytes=memory.worst_bytes,
                by_category=memory.at(row, col),
                held=held,
            ),
        )
    found = []
    for number, layer in enumerate(placement.layers):
        part = memory.peak_bytes[layer.region.slices].reshape(-1)
        pe = int(part.argmax())
        found.append((-int(part[pe]), number, pe))
    worst = []
    for negative, number, pe in sorted(found)[:WORST_PES]:
        layer = placement.layers[number]
        row, col = divmod(pe, layer.region.cols)
        row, col = layer.region.row + row, layer.region.col + col
        worst.append(
            WorstPe(
                row=row,
                col=col,
                layer=layer.name,
                bytes=-negative,
                by_category=memory.at(row, col),
                held=_held(judgement, placement, number, pe),
            )
        )
    return tuple(worst)


def _held(
    judgement: Judgement, placement: Placement, number: int, pe: int
) -> tuple[HeldBytes, ...]:
    """The tensors with the most bytes (weights, gradient, state) in one PE of a rectangle."""
    held = []
    for index in placement.layers[number].tensors:
        elements = int(expand(placement.tensors[index].runs)[pe])
        if elements:
            holding = judgement.placed.held[index]
            taken = elements * holding.bytes_per_element + holding.holder_bytes
            held.append(HeldBytes(name=judgement.known.program.parameters[index].name, bytes=taken))
    held.sort(key=lambda entry: (-entry.bytes, entry.name))
    return tuple(held[:WORST_HOLDERS])
