"""The step as a Chrome trace (Trace Event Format, JSON object form), which Perfetto opens.

Processes are groups of tracks: the step, layers, sampled PEs and links, the fabric. Spans are
complete events (``X``), counters ``C``, cause and effect flows ``s`` and ``f``. Times are
microseconds on whole nanoseconds; the exact cycles are in ``args``.

The importer of Perfetto (``json_utils.cc``, ``process_tracker.cc`` of google/perfetto) has two
habits that this file allows for. It cuts times off to whole nanoseconds and does not round them.
And it gives the name of a thread to the latest thread of that number, whatever its process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, nextafter
from typing import Final

from wse_emulator.results.answers import elapsed
from wse_emulator.results.run import MessageFacts, RunResult
from wse_emulator.results.words import DIRECTIONS, without_common_prefix
from wse_emulator.views.utilization import resident_bytes

EVENT_BUDGET: Final = 200_000
_STEP, _LAYERS, _PES, _FABRIC, _COUNTERS, _OPS, _LINKS = 1, 2, 3, 4, 5, 6, 7
_PROCESSES: Final = {
    _STEP: "step",
    _LAYERS: "layers and tensors",
    _PES: "sampled PEs",
    _LINKS: "sampled links",
    _FABRIC: "fabric",
    _COUNTERS: "counters over the wafer",
    _OPS: "ops",
}

_THREADS: Final = 1_000_000  # numbers of a process's threads: none is used twice, none by a process

Event = dict[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time on a track, in cycles."""

    name: str
    kind: str
    start: int
    end: int
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class _Writer:
    """Collects events, and counts those that the budget leaves out."""

    clock_hz: int
    budget: int
    events: list[Event] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def nanoseconds(self, cycle: int) -> int:
        """The time of a cycle in whole nanoseconds."""
        return cycle * 1_000_000_000 // self.clock_hz

    def microseconds(self, cycle: int) -> float:
        """The time of a cycle in microseconds, as the format has it."""
        return microseconds(self.nanoseconds(cycle))

    def room(self, what: str, count: int) -> bool:
        """Whether ``count`` events of one level still fit; if not, they are counted."""
        if len(self.events) + count <= self.budget:
            return True
        self.left_out[what] = self.left_out.get(what, 0) + count
        return False

    def track(self, process: int, thread: int, name: str) -> None:
        """Name a track; tracks of a process are shown in the order of their threads."""
        notes: dict[str, object] = {"name": name}
        tid = _tid(process, thread)
        self._meta("thread_name", process, tid, notes)
        self._meta("thread_sort_index", process, tid, {"sort_index": thread})

    def process(self, process: int, name: str, place: int) -> None:
        """Name a group of tracks and say where it is shown."""
        self._meta("process_name", process, 0, {"name": name})
        self._meta("process_sort_index", process, 0, {"sort_index": place})

    def _meta(self, kind: str, process: int, tid: int, notes: dict[str, object]) -> None:
        self.events.append(
            {"ph": "M", "name": kind, "pid": process, "tid": tid, "ts": 0, "args": notes}
        )

    def span(self, process: int, thread: int, span: Span) -> None:
        """Add a span to a track, with its cycles."""
        begin, end = self.nanoseconds(span.start), self.nanoseconds(span.end)
        notes = {"start_cycle": span.start, "end_cycle": span.end, **span.notes}
        self.events.append(
            {
                "ph": "X",
                "name": span.name,
                "cat": span.kind,
                "pid": process,
                "tid": _tid(process, thread),
                "ts": microseconds(begin),
                "dur": microseconds(end - begin),
                "args": notes,
            }
        )

    def counter(self, name: str, cycle: int, value: float) -> None:
        """Set a counter to a value from a cycle on."""
        self.events.append(
            {
                "ph": "C",
                "name": name,
                "pid": _COUNTERS,
                "tid": 0,
                "ts": self.microseconds(cycle),
                "args": {"value": value},
            }
        )

    def flow(self, number: int, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
        """Add an arrow between two points inside spans, each as (process, thread, cycle)."""
        for phase, (process, thread, cycle) in (("s", start), ("f", end)):
            event: Event = {
                "ph": phase,
                "name": "learning rate",
                "cat": "flow",
                "id": number,
                "pid": process,
                "tid": _tid(process, thread),
                "ts": self.microseconds(cycle),
            }
            if phase == "f":
                event["bp"] = "e"  # bind to the span that encloses the arrow's head
            self.events.append(event)


def _tid(process: int, thread: int) -> int:
    """A number for the thread ``thread`` (from 1) of a process that no other thread has."""
    return process * _THREADS + thread


def microseconds(nanoseconds: int) -> float:
    """The least number of microseconds that a reader who cuts off takes for ``nanoseconds``.

    1.001 is a little less in binary than in decimal: 1,000 ns to such a reader, and a span that
    begins there would overlap the one that ends there.
    """
    value = nanoseconds / 1000
    return value if int(value * 1000.0) == nanoseconds else nextafter(value, inf)


def trace_events(
    result: RunResult, *, budget: int = EVENT_BUDGET
) -> tuple[list[Event], dict[str, int]]:
    """The events of a step, coarse levels first, and how many were left out at each level.

    Args:
        budget: the most events. What does not fit is left out in whole parts, the finest first. The
            step and its critical path, a few dozen events, are always there.
    """
    writer = _Writer(result.wafer.clock_hz, budget)
    for place, (process, name) in enumerate(_PROCESSES.items(), start=1):
        writer.process(process, name, place)
    if not elapsed(result):
        return writer.events, writer.left_out
    _write_step(writer, result)
    _write_pes(writer, result)
    _write_links(writer, result)
    _write_fabric(writer, result)
    heads = _write_tensors(writer, result)
    _write_flows(writer, result, heads)
    _write_counters(writer, result)
    _write_ops(writer, result)
    return writer.events, writer.left_out


def trace_json(result: RunResult, *, budget: int = EVENT_BUDGET) -> bytes:
    """Make the trace file; its ``otherData`` says what it shows and what it leaves out."""
    events, left_out = trace_events(result, budget=budget)
    document = {
        "displayTimeUnit": "ns",
        "otherData": {
            "model": result.model.name,
            "optimizer": result.optimizer.name,
            "wafer": result.wafer.name,
            "clock_hz": result.wafer.clock_hz,
            "step_cycles": elapsed(result),
            "digest": result.digest,
            "event_budget": budget,
            "left_out": left_out,
        },
        "traceEvents": events,
    }
    return (json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n").encode()


def lanes(spans: Sequence[Span]) -> list[list[Span]]:
    """Deal spans to as few lanes as possible, so that those of one lane do not overlap.

    The ops of neighbouring tensors overlap on the wafer: near PEs are ahead of far ones.
    """
    dealt: list[list[Span]] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        lane = next((lane for lane in dealt if lane[-1].end <= span.start), None)
        if lane is None:
            dealt.append([span])
        else:
            lane.append(span)
    return dealt


def _write_step(writer: _Writer, result: RunResult) -> None:
    writer.track(_STEP, 1, "step")
    cycles = elapsed(result)
    notes: dict[str, object] = {"learning_rate": result.steps[-1].learning_rate}
    writer.span(_STEP, 1, Span(f"step {result.steps[-1].step}", "step", 0, cycles, notes))
    writer.track(_STEP, 2, "critical path")
    for part in result.critical_path:
        writer.span(_STEP, 2, Span(part.what, part.phase, part.start_cycle, part.end_cycle))
    shared = _op_spans(result, -1)
    if writer.room("ops of no tensor", 3 * len(shared)):
        _write_lanes(writer, _STEP, 3, "controller and sums", shared)


def _write_pes(writer: _Writer, result: RunResult) -> None:
    for thread, sample in enumerate(result.samples, start=1):
        row, col = sample.pe
        if not writer.room("spans of sampled PEs", len(sample.parts) + 2):
            continue
        writer.track(_PES, thread, f"PE row {row}, column {col} ({sample.why})")
        for part in sample.parts:
            writer.span(_PES, thread, Span(part.what, part.phase, part.start_cycle, part.end_cycle))


def _write_links(writer: _Writer, result: RunResult) -> None:
    """Write a track for each sampled link: which message used it, and when."""
    for thread, sample in enumerate(result.links, start=1):
        row, col = sample.pe
        if not writer.room("bookings of sampled links", len(sample.parts) + 2):
            continue
        way = DIRECTIONS[sample.direction]
        writer.track(_LINKS, thread, f"{way}, row {row}, column {col} (the busiest {way})")
        for part in sample.parts:
            writer.span(_LINKS, thread, Span(part.what, "link", part.start_cycle, part.end_cycle))


def _write_fabric(writer: _Writer, result: RunResult) -> None:
    spans = [_message_span(message) for message in result.messages if message.start_cycle >= 0]
    if writer.room("messages", 3 * len(spans)):
        _write_lanes(writer, _FABRIC, 1, "messages", spans)


def _message_span(message: MessageFacts) -> Span:
    notes: dict[str, object] = {
        "kind": message.kind,
        "wavelets": message.wavelets,
        "messages": message.count,
        "message cycles": message.cycles,
        "root": list(message.root),
        "region": list(message.region),
    }
    return Span(message.name, "message", message.start_cycle, message.end_cycle, notes)


def _write_tensors(writer: _Writer, result: RunResult) -> dict[str, tuple[int, int]]:
    """Write the tracks of layers; returns the first span of each as (thread, start cycle)."""
    layers: dict[str, list[Span]] = {}
    for tensor in result.tensors:
        if tensor.start_cycle >= 0:
            notes: dict[str, object] = {
                "shape": list(tensor.shape),
                "region": list(tensor.region),
                "ops": tensor.ops,
                "pe_cycles": tensor.pe_cycles,
            }
            span = Span(tensor.name, "update", tensor.start_cycle, tensor.end_cycle, notes)
            layers.setdefault(tensor.layer, []).append(span)
    heads: dict[str, tuple[int, int]] = {}
    thread = 1
    for layer, name in zip(layers, without_common_prefix(list(layers)), strict=True):
        spans = layers[layer]
        if not writer.room("tensors", 3 * len(spans)):
            continue
        heads[layer] = (thread, min(span.start for span in spans))
        thread += _write_lanes(writer, _LAYERS, thread, name, spans)
    return heads


def _write_flows(writer: _Writer, result: RunResult, heads: dict[str, tuple[int, int]]) -> None:
    """Write arrows from the controller's message to the first tensor that it sets off in a
    layer."""
    sources = [m for m in result.messages if m.tensor < 0 and m.kind == "multicast"]
    if not sources or not result.critical_path:
        return
    first = min(sources, key=lambda m: m.start_cycle)
    reached = [(t, c) for t, c in heads.values() if c >= first.start_cycle]
    if not writer.room("flows", 2 * len(reached)):
        return
    for number, (thread, cycle) in enumerate(reached, start=1):
        writer.flow(number, (_STEP, 1, first.start_cycle), (_LAYERS, thread, cycle))


def _write_counters(writer: _Writer, result: RunResult) -> None:
    arrays = result.arrays
    series = (
        ("PEs busy", arrays.busy_pes.tolist()),
        ("links busy", arrays.busy_links.tolist()),
        ("SRAM in use, bytes", (resident_bytes(result) + arrays.temporary_bytes).tolist()),
    )
    for name, values in series:
        # a counter holds its value until the next event: repeats say nothing
        changes = [i for i, v in enumerate(values) if i == 0 or v != values[i - 1]]
        if writer.room(f"counter {name}", len(changes) + 1):
            for index in changes:
                writer.counter(name, index * arrays.bin_cycles, values[index])
            writer.counter(name, elapsed(result), 0.0)
    rates = [step.learning_rate for step in result.steps[-2:]]
    arrivals = [m.end_cycle for m in result.messages if m.tensor < 0 and m.kind == "multicast"]
    times = [0] if len(rates) < 2 or not arrivals else [0, min(arrivals)]
    for cycle, rate in zip(times, rates, strict=False):
        if rate is not None and writer.room("counter learning rate", 1):
            writer.counter("learning rate", cycle, rate)


def _write_ops(writer: _Writer, result: RunResult) -> None:
    """Write the finest level: every op of every tensor, in lanes under the tracks of the layers."""
    by_tensor: dict[int, list[Span]] = {}
    for index in range(len(result.tensors)):
        by_tensor[index] = []
    arrays = result.arrays
    for op, (tensor, start, end) in enumerate(
        zip(
            arrays.op_tensor.tolist(),
            arrays.op_start.tolist(),
            arrays.op_end.tolist(),
            strict=True,
        )
    ):
        if tensor >= 0 and start >= 0:
            by_tensor[tensor].append(Span(result.op_names[op], "op", start, end))
    layers: dict[str, list[Span]] = {}
    for index, spans in by_tensor.items():
        layers.setdefault(result.tensors[index].layer, []).extend(spans)
    thread = 1
    for layer, name in zip(layers, without_common_prefix(list(layers)), strict=True):
        if writer.room("ops", 3 * len(layers[layer])):
            thread += _write_lanes(writer, _OPS, thread, name, layers[layer])


def _write_lanes(
    writer: _Writer, process: int, first: int, name: str, spans: Sequence[Span]
) -> int:
    """Write spans to lanes from thread ``first`` on; returns how many lanes there are.

    There are at most as many lanes as spans, and two events name a lane, so three events for each
    span are always enough.
    """
    dealt = lanes(spans)
    for number, lane in enumerate(dealt):
        title = name if len(dealt) == 1 else f"{name} ({number + 1} of {len(dealt)})"
        writer.track(process, first + number, title)
        for span in lane:
            writer.span(process, first + number, span)
    return len(dealt)


def _op_spans(result: RunResult, tensor: int) -> list[Span]:
    arrays = result.arrays
    chosen: Iterable[int] = ((arrays.op_tensor == tensor) & (arrays.op_start >= 0)).nonzero()[0]
    return [
        Span(result.op_names[i], "op", int(arrays.op_start[i]), int(arrays.op_end[i]))
        for i in chosen
    ]
