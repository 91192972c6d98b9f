"""The trace keeps the rules of the Trace Event Format, and its numbers are those of run.json."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.results.factory import make_result, tiny, too_large
from wse_emulator.models.shapes import ModelShapes, TensorShape
from wse_emulator.questions.run import run
from wse_emulator.report.trace import Span, lanes, microseconds, trace_events, trace_json
from wse_emulator.results.files import run_document
from wse_emulator.results.run import RunResult
from wse_emulator.wafer.region import PLANES

Event = dict[str, Any]


def parsed(result: RunResult, **options: int) -> tuple[list[Event], Event]:
    document = json.loads(trace_json(result, **options))
    return document["traceEvents"], document["otherData"]


def test_every_event_has_what_its_phase_needs(result: RunResult) -> None:
    events, _ = parsed(result)
    needed = {
        "M": {"name", "pid", "tid", "args"},
        "X": {"name", "pid", "tid", "ts", "dur", "args"},
        "C": {"name", "pid", "tid", "ts", "args"},
        "s": {"name", "cat", "id", "pid", "tid", "ts"},
        "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
    }
    for event in events:
        assert needed[event["ph"]] <= event.keys()
        assert event.get("dur", 0) >= 0
        assert event.get("ts", 0) >= 0


def test_spans_of_a_track_follow_one_another_in_time(result: RunResult) -> None:
    ends: dict[tuple[int, int], float] = defaultdict(float)
    for event in parsed(result)[0]:
        if event["ph"] != "X":
            continue
        track = event["pid"], event["tid"]
        assert round(event["ts"] * 1000) >= round(ends[track] * 1000), event["name"]
        ends[track] = event["ts"] + event["dur"]


def test_a_reader_that_cuts_off_sees_every_nanosecond_and_no_overlap() -> None:
    """Perfetto multiplies by 1,000 and cuts off; it drops a span that partly overlaps another."""
    result = clipped()
    ends: dict[int, int] = defaultdict(int)
    inexact = 0
    for event in parsed(result)[0]:
        if event["ph"] == "X":
            begin, took = (int(event[key] * 1000.0) for key in ("ts", "dur"))
            cycle = event["args"]["start_cycle"]
            assert begin == cycle * 1_000_000_000 // result.wafer.clock_hz
            assert begin >= ends[event["tid"]], event["name"]
            ends[event["tid"]] = begin + took
            inexact += int(begin / 1000 * 1000.0) != begin
    assert inexact  # there are times that plain division would put a nanosecond early


@settings(max_examples=200)
@given(nanoseconds=st.integers(0, 10**13))
def test_microseconds_are_cut_off_to_what_they_were_made_of(nanoseconds: int) -> None:
    value = json.loads(json.dumps(microseconds(nanoseconds)))
    assert int(value * 1000.0) == nanoseconds
    assert value == pytest.approx(nanoseconds / 1000, rel=1e-15)


def test_no_two_threads_share_a_number_nor_one_with_a_process(result: RunResult) -> None:
    """Perfetto names the latest thread of a number, and gives each process a thread of its own."""
    events, _ = parsed(result)
    owners: dict[int, set[int]] = defaultdict(set)
    for event in events:
        if event["name"] == "thread_name":
            owners[event["tid"]].add(event["pid"])
    assert all(len(processes) == 1 for processes in owners.values())
    assert not owners.keys() & {event["pid"] for event in events}


def test_counters_are_monotonic_in_time(result: RunResult) -> None:
    last: dict[str, float] = {}
    for event in parsed(result)[0]:
        if event["ph"] == "C":
            assert event["ts"] > last.get(event["name"], -1.0)
            last[event["name"]] = event["ts"]


def test_every_track_and_process_is_named_once(result: RunResult) -> None:
    events, _ = parsed(result)
    named = Counter((e["pid"], e["tid"]) for e in events if e["name"] == "thread_name")
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] == "X"}
    assert used <= named.keys()
    assert set(named.values()) <= {1}
    processes = Counter(e["pid"] for e in events if e["name"] == "process_name")
    assert {e["pid"] for e in events} <= processes.keys()
    assert set(processes.values()) == {1}


def test_flows_start_and_end_inside_spans(result: RunResult) -> None:
    events, _ = parsed(result)
    starts = [e for e in events if e["ph"] == "s"]
    ends = [e for e in events if e["ph"] == "f"]
    assert [e["id"] for e in starts] == [e["id"] for e in ends]
    spans: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            spans[e["pid"], e["tid"]].append((e["ts"], e["ts"] + e["dur"]))
    for start, end in zip(starts, ends, strict=True):
        assert start["ts"] <= end["ts"]
        for event in (start, end):
            track = spans[event["pid"], event["tid"]]
            assert any(low <= event["ts"] <= high for low, high in track)
    if result.fits:
        assert starts


def test_the_trace_adds_up_to_run_json() -> None:
    result = make_result(rows=40, cols=30, layers=6, tensors_per_layer=4)
    document = run_document(result)
    events, other = parsed(result)
    spans = [e for e in events if e["ph"] == "X"]
    steps, tensors = document["steps"], document["tensors"]
    assert isinstance(steps, list)
    assert isinstance(tensors, list)
    step = next(e for e in spans if e["cat"] == "step")
    assert step["args"]["end_cycle"] == steps[-1]["cycles"] == other["step_cycles"]
    assert step["dur"] == pytest.approx(steps[-1]["seconds"] * 1e6, abs=1e-3)
    shown = {e["name"]: e["args"] for e in spans if e["pid"] == 2}
    assert {n: (a["start_cycle"], a["end_cycle"], a["pe_cycles"]) for n, a in shown.items()} == {
        t["name"]: (t["start_cycle"], t["end_cycle"], t["pe_cycles"]) for t in tensors
    }
    ops = [e for e in spans if e["cat"] == "op"]
    assert len(ops) == len(result.op_names)
    tracks = {e["args"]["name"]: e["tid"] for e in events if e["name"] == "thread_name"}
    critical = [e["args"] for e in spans if e["tid"] == tracks["critical path"]]
    assert sum(a["end_cycle"] - a["start_cycle"] for a in critical) == other["step_cycles"]


@pytest.mark.parametrize("budget", [60, 150, 400])
def test_the_budget_holds_and_says_what_is_left_out(budget: int) -> None:
    result = make_result(rows=40, cols=30, layers=6, tensors_per_layer=4)
    events, left_out = trace_events(result, budget=budget)
    whole, nothing = trace_events(result)
    assert nothing == {}
    assert len(events) <= budget < len(whole)
    assert "ops" in left_out
    assert sum(left_out.values()) >= len(whole) - len(events)
    assert any(e["ph"] == "X" and e["cat"] == "step" for e in events)


def test_a_model_that_does_not_fit_has_a_trace_without_spans() -> None:
    events, other = parsed(too_large())
    assert {e["ph"] for e in events} == {"M"}
    assert other["step_cycles"] == 0


def test_lanes_are_as_few_as_overlap_demands() -> None:
    spans = [Span("a", "x", 0, 10), Span("b", "x", 5, 12), Span("c", "x", 10, 20)]
    assert [[s.name for s in lane] for lane in lanes(spans)] == [["a", "c"], ["b"]]


def test_the_same_result_gives_the_same_bytes() -> None:
    assert trace_json(tiny()) == trace_json(tiny())


@cache
def clipped() -> RunResult:
    """A real step with sums over the wafer: messages in every direction, some in line."""
    shapes = (("a.w", (40, 30)), ("b.w", (64, 16)), ("b.v", (7,)))
    return run(
        ModelShapes(
            name="three",
            parameters=tuple(TensorShape(name, shape, "float32") for name, shape in shapes),
        ),
        optimizer="AdamW",
        lr_schedule="linear:0:1e-3:10",
        max_grad_norm=1.0,
        steps=2,
        wafer="wse2:12x9",
    )


def test_bookings_of_sampled_links_add_up_to_the_map_of_links() -> None:
    result = clipped()
    assert {sample.direction for sample in result.links} == set(PLANES)
    shown: dict[int, int] = defaultdict(int)
    events, _ = parsed(result)
    named = [e for e in events if e["name"] == "thread_name" and e["pid"] == 7]
    tracks = {e["tid"]: e["args"]["name"] for e in named}
    for event in events:
        if event["ph"] == "X" and event["pid"] == 7:
            shown[event["tid"]] += event["args"]["end_cycle"] - event["args"]["start_cycle"]
    for thread, sample in zip(tracks, result.links, strict=True):
        load = result.arrays.link_busy[PLANES.index(sample.direction)]
        assert shown[thread] == load[sample.pe] == load.max() > 0
        assert f"row {sample.pe[0]}, column {sample.pe[1]}" in tracks[thread]
        ends = [0, *(part.end_cycle for part in sample.parts)]
        assert all(e <= p.start_cycle for e, p in zip(ends, sample.parts, strict=False))


def test_counters_are_those_of_the_result() -> None:
    result = clipped()
    last: dict[str, list[float]] = defaultdict(list)
    for event in parsed(result)[0]:
        if event["ph"] == "C":
            last[event["name"]].append(event["args"]["value"])
    assert last["learning rate"] == [step.learning_rate for step in result.steps]
    assert max(last["PEs busy"]) == result.arrays.busy_pes.max()
    held = sum(v for k, v in result.memory.bytes.items() if k not in ("temporaries", "total"))
    assert last["SRAM in use, bytes"][0] == held + result.arrays.temporary_bytes[0]


PROCESSOR = shutil.which("trace_processor_shell")

if PROCESSOR is not None:  # there, Perfetto itself reads the file and answers in SQL

    def test_perfetto_reads_the_same_sums(tmp_path: Path) -> None:
        assert PROCESSOR is not None
        result = clipped()
        trace, query = tmp_path / "trace.json", tmp_path / "query.sql"
        trace.write_bytes(trace_json(result))
        query.write_text(
            "select count(*) as spans, (select dur from slice where category = 'step') as step, "
            "(select count(*) from flow) as flows, (select count(*) from counter) as counters, "
            "(select count(distinct name) from thread where tid > 1000000) as tracks from slice;"
        )
        done = subprocess.run(
            [PROCESSOR, "-q", query, trace], capture_output=True, text=True, check=True
        )
        events, _ = parsed(result)
        counts = Counter(event["ph"] for event in events)
        step = round(result.steps[-1].seconds * 1e9)
        spans, took, flows, counters, tracks = map(int, done.stdout.splitlines()[-1].split(","))
        assert (spans, flows, counters) == (counts["X"], counts["s"], counts["C"])
        assert tracks == len({e["args"]["name"] for e in events if e["name"] == "thread_name"})
        assert abs(took - step) <= 1
