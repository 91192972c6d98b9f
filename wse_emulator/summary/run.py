"""From the stages of an emulated step to a :class:`RunResult`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wse_emulator.activities import (
    Chain,
    LineMulticast,
    Message,
    Multicast,
    Send,
    Shift,
    Star,
    Work,
)
from wse_emulator.emulate import EmulatedStep, functions_of
from wse_emulator.engines.digest import digest
from wse_emulator.engines.timing import Timing
from wse_emulator.lowering import Lowered
from wse_emulator.placement.pieces import piece_counts
from wse_emulator.placement.values import Placement
from wse_emulator.plan.memory import MemoryPlan
from wse_emulator.plan.step import StepPlan
from wse_emulator.program import StepProgram
from wse_emulator.results.facts import (
    FunctionForms,
    ModelFacts,
    OptimizerFacts,
    WaferFacts,
    assumptions,
)
from wse_emulator.results.run import (
    MemoryFacts,
    MessageFacts,
    PeSample,
    RunArrays,
    RunResult,
    StepFacts,
    TensorFacts,
    Utilization,
    WallSeconds,
    arrays_without_step,
)
from wse_emulator.summary.critical_path import pe_times, sampled_pes
from wse_emulator.summary.link_samples import link_samples
from wse_emulator.summary.op_work import OpWork, op_work
from wse_emulator.wafer.region import mesh_links
from wse_emulator.wafer.spec import WaferSpec

MOST_BINS: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a result says that the stages do not know: names, options, rates, wall time.

    Attributes:
        rates: the learning rate of each step that was asked for.
        rate_curve: (steps, rates) of the learning-rate picture.
        class_error: operation class -> largest error of the machine model on its published
            figures, as a fraction.
    """

    model: str
    optimizer_options: dict[str, object]
    rates: Sequence[float | None]
    rate_curve: tuple[NDArray[np.int64], NDArray[np.float64]]
    wall_seconds: WallSeconds
    command: str
    class_error: Callable[[str], float]
    config_unused: tuple[str, ...] = ()


def summarize(emulated: EmulatedStep, facts: RunFacts) -> RunResult:
    """Make the result of an emulated step, whether it fits and was simulated or not."""
    program, placement, plan = emulated.program, emulated.placement, emulated.plan
    lowered, timing = emulated.lowered, emulated.timing
    spec, request = placement.wafer, emulated.placed.request
    work = None if lowered is None or timing is None else op_work(plan, placement, lowered, timing)
    ops = () if work is None else work.facts
    busy = sum(op.pe_cycles for op in ops)
    unsourced = sum(op.unsourced_pe_cycles for op in ops)
    sampled = {} if timing is None else sampled_pes(placement, timing)
    times = (
        ()
        if lowered is None or timing is None
        else pe_times(list(sampled), placement, plan, lowered, timing)
    )
    critical = times[0] if times else None
    cycles = 0 if timing is None else timing.elapsed_cycles
    interval = (0.0, 0.0)
    if critical is not None and lowered is not None:
        error = _model_error(lowered, facts.class_error)
        interval = (
            critical.low_cycles * (1 - error) / spec.clock_hz,
            critical.high_cycles * (1 + error) / spec.clock_hz,
        )
    return RunResult(
        wafer=_wafer_facts(spec),
        model=ModelFacts(
            name=facts.model,
            parameters=program.total_elements,
            tensors=len(program.parameters),
        ),
        optimizer=OptimizerFacts(name=program.optimizer, options=facts.optimizer_options),
        scheduler=program.scheduler,
        controller=placement.controller,
        engine=request.engine,
        mode=request.mode,
        fits=plan.memory.fits,
        steps=()
        if timing is None
        else tuple(
            StepFacts(
                step=number, learning_rate=rate, cycles=cycles, seconds=cycles / spec.clock_hz
            )
            for number, rate in enumerate(facts.rates, start=1)
        ),
        tensors=_tensor_facts(program, placement, plan, timing),
        layers=tuple((layer.name, _as_tuple(layer.region.as_list())) for layer in placement.layers),
        ops=ops,
        op_names=tuple(op.base_name for op in program.ops),
        critical_path=() if critical is None else critical.parts,
        utilization=_utilization(spec, plan.memory, timing),
        memory=_memory_facts(plan.memory),
        unsourced_share=unsourced / busy if busy else 0.0,
        forms=function_forms(emulated),
        seconds_interval=interval,
        assumptions=assumptions(spec),
        events=0 if timing is None else timing.events,
        wall_seconds=facts.wall_seconds,
        digest="" if timing is None else digest(timing),
        command=facts.command,
        messages=() if lowered is None or timing is None else messages_of(lowered, timing),
        samples=tuple(PeSample(pe=t.pe, why=sampled[t.pe], parts=t.parts) for t in times),
        links=()
        if lowered is None or timing is None
        else link_samples(placement, lowered, timing, len(program.ops)),
        gap_bytes=plan.memory.gap_bytes,
        config_unused=facts.config_unused,
        request=request,
        arrays=_arrays(emulated, work, facts),
    )


def function_forms(emulated: EmulatedStep) -> FunctionForms | None:
    """The step in both forms of its functions; None where the other form was not simulated."""
    if emulated.timing is None or emulated.other_cycles is None:
        return None
    spec = emulated.placed.request.wafer
    asked, other = emulated.timing.elapsed_cycles, emulated.other_cycles
    library, vector = (asked, other) if spec.functions == "library" else (other, asked)
    return FunctionForms(
        functions=functions_of(emulated),
        form=spec.functions,
        library_cycles=library,
        library_seconds=spec.seconds(library),
        vector_cycles=vector,
        vector_seconds=spec.seconds(vector),
    )


def _model_error(lowered: Lowered, class_error: Callable[[str], float]) -> float:
    """The largest validation error of the operations that a step is made of."""
    reduces = any(isinstance(a, (Chain, Star)) for a in lowered.activities)
    classes = ("vector_op", "allreduce_2d") if reduces else ("vector_op",)
    return max(class_error(operation) for operation in classes)


def _as_tuple(region: list[int]) -> tuple[int, int, int, int]:
    row, col, rows, cols = region
    return row, col, rows, cols


def _wafer_facts(spec: WaferSpec) -> WaferFacts:
    return WaferFacts(
        name=spec.name,
        rows=spec.rows,
        cols=spec.cols,
        pes=spec.pes,
        clock_hz=spec.clock_hz,
        sram_bytes_per_pe=spec.sram_bytes_per_pe,
        reserved_bytes_per_pe=spec.reserved_bytes_per_pe,
    )


def _memory_facts(memory: MemoryPlan) -> MemoryFacts:
    return MemoryFacts(
        bytes={**memory.totals, "total": memory.total_bytes},
        capacity_bytes=memory.capacity_bytes,
        peak_bytes=memory.worst_bytes,
        mean_bytes=memory.mean_bytes,
        worst_pe=memory.worst_pe,
        worst_pe_bytes=memory.at(*memory.worst_pe),
    )


def _utilization(spec: WaferSpec, memory: MemoryPlan, timing: Timing | None) -> Utilization:
    """The busy share of the elapsed time; 0 for a step that takes no time."""
    peak = memory.worst_bytes / memory.capacity_bytes
    if timing is None or timing.elapsed_cycles == 0:
        return Utilization(pe_busy=0.0, link_busy=0.0, sram_peak=peak)
    links = mesh_links(spec.rows, spec.cols)
    booked = int(timing.link_busy[:4].sum())
    return Utilization(
        pe_busy=int(timing.pe_busy.sum()) / (spec.pes * timing.elapsed_cycles),
        link_busy=booked / (links * timing.elapsed_cycles) if links else 0.0,
        sram_peak=int(timing.sram_peak.max()) / memory.capacity_bytes,
    )


def _tensor_facts(
    program: StepProgram, placement: Placement, plan: StepPlan, timing: Timing | None
) -> tuple[TensorFacts, ...]:
    ops_of: dict[int, list[int]] = defaultdict(list)
    for op in program.ops:
        if op.owner is not None:
            ops_of[op.owner].append(op.index)
    facts = []
    for parameter, tensor in zip(program.parameters, placement.tensors, strict=True):
        own = ops_of[parameter.index]
        starts = [] if timing is None else [s for s in timing.op_start[own].tolist() if s >= 0]
        ends = [] if timing is None else [e for e in timing.op_end[own].tolist() if e >= 0]
        strip = plan.strips[parameter.index].elements
        facts.append(
            TensorFacts(
                name=parameter.name,
                layer=placement.layer_of(parameter.index).name,
                shape=parameter.shape,
                dtype=parameter.dtype,
                region=_as_tuple(tensor.region.as_list()),
                start_cycle=min(starts, default=-1),
                end_cycle=max(ends, default=-1),
                ops=len(own),
                pe_cycles=sum(
                    pes * plan.cycles(parameter.index, piece)
                    for piece, pes in piece_counts(tensor).items()
                ),
                strip_elements=strip,
            )
        )
    return tuple(facts)


def messages_of(lowered: Lowered, timing: Timing) -> tuple[MessageFacts, ...]:
    """The messages in the order of the program; the rounds of a product are summed by kind."""
    product_of = {index: number for number, of in enumerate(lowered.products) for index in of}
    facts: dict[tuple[object, ...], MessageFacts] = {}
    for index, activity in enumerate(lowered.activities):
        if isinstance(activity, Work):
            continue
        start, end = int(timing.activity_start[index]), int(timing.activity_end[index])
        product = product_of.get(index)
        key = (index,) if product is None else ("product", product, type(activity))
        known = facts.get(key)
        if known is None:
            facts[key] = MessageFacts(
                name=activity.name,
                kind=_KIND[type(activity)],
                tensor=-1 if activity.tensor is None else activity.tensor,
                region=_as_tuple(activity.region.as_list()),
                root=_root(activity),
                wavelets=_most_wavelets(activity),
                start_cycle=start,
                end_cycle=end,
                cycles=end - start,
            )
        elif end >= 0:  # a message without wavelets is not sent: -1
            facts[key] = replace(
                known,
                wavelets=max(known.wavelets, _most_wavelets(activity)),
                start_cycle=start if known.end_cycle < 0 else min(known.start_cycle, start),
                end_cycle=max(known.end_cycle, end),
                count=known.count + 1,
                cycles=known.cycles + end - start,
            )
        else:
            facts[key] = replace(known, count=known.count + 1)
    return tuple(facts.values())


_KIND: Final[dict[type, str]] = {
    Multicast: "multicast",
    LineMulticast: "multicast along lines",
    Chain: "chain",
    Star: "star",
    Shift: "shift",
    Send: "send",
}


def _root(message: Message) -> tuple[int, int]:
    """The PE where a message begins or a reduction ends; the first, where there are several."""
    if isinstance(message, Multicast):
        return message.root
    if isinstance(message, Send):
        return message.source
    region = message.region
    if isinstance(message, Shift):
        return region.row, region.col
    return (region.row, message.root) if message.axis == "row" else (message.root, region.col)


def _most_wavelets(message: Message) -> int:
    return max(message.wavelets) if isinstance(message.wavelets, tuple) else message.wavelets


def _arrays(emulated: EmulatedStep, work: OpWork | None, facts: RunFacts) -> RunArrays:
    timing = emulated.timing
    op_tensor = np.array(
        [-1 if op.owner is None else op.owner for op in emulated.program.ops], dtype=np.int64
    )
    if timing is None or work is None:
        return arrays_without_step(emulated.plan.memory.peak_bytes, op_tensor, facts.rate_curve)
    steps, rates = facts.rate_curve
    bin_cycles = max(1, -(-timing.elapsed_cycles // MOST_BINS))
    return RunArrays(
        pe_busy=timing.pe_busy,
        sram_peak=timing.sram_peak,
        link_busy=timing.link_busy,
        op_start=timing.op_start,
        op_end=timing.op_end,
        op_tensor=op_tensor,
        op_cycles=work.most_cycles,
        bin_cycles=bin_cycles,
        busy_pes=_binned(timing.busy_pes, bin_cycles),
        busy_links=_binned(timing.busy_links, bin_cycles),
        temporary_bytes=_binned(timing.temporary_bytes, bin_cycles),
        rate_step=steps,
        rate_value=rates,
    )


def _binned(series: NDArray[np.int64], bin_cycles: int) -> NDArray[np.float64]:
    """The averages over bins of ``bin_cycles`` cycles; the last bin may be shorter."""
    if series.size == 0:
        return np.zeros(0)
    starts = np.arange(0, series.size, bin_cycles)
    sums = np.add.reduceat(series, starts)
    lengths = np.minimum(starts + bin_cycles, series.size) - starts
    return sums / lengths
