"""The tables of a run: steps, tensors, ops, layers, the critical path, and the bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wse_emulator.results.facts import Lever
from wse_emulator.results.run import RunResult
from wse_emulator.views.memory import memory_table
from wse_emulator.views.table import Table


def run_rows(result: RunResult) -> Mapping[str, Table]:
    """The tables of a run by name."""
    steps = ((s.step, s.learning_rate, s.cycles, s.seconds) for s in result.steps)
    op_columns = ("phase", "op", "count", "pe_cycles", "counted_pe_cycles", "unsourced_pe_cycles")
    ops = (
        (op.phase, op.name, op.count, op.pe_cycles, op.counted_pe_cycles, op.unsourced_pe_cycles)
        for op in result.ops
    )
    layers = ((name, *region) for name, region in result.layers)
    path = ((p.what, p.phase, p.start_cycle, p.end_cycle) for p in result.critical_path)
    return {
        "steps": Table(("step", "learning_rate", "cycles", "seconds"), tuple(steps)),
        "tensors": _tensors(result),
        "ops": Table(op_columns, tuple(ops)),
        "layers": Table(("layer", "row", "col", "rows", "cols"), tuple(layers)),
        "critical_path": Table(("what", "phase", "start_cycle", "end_cycle"), tuple(path)),
        "memory": memory_table(result),
        "levers": lever_rows(result.levers),
    }


def lever_rows(levers: Iterable[Lever]) -> Table:
    """What would make room: the change, what it saves, and whether it fits then."""
    columns = ("change", "arguments", "saves_bytes", "saves_total_bytes", "fits", "command")
    rows = (
        (v.what, " ".join(v.arguments), v.saves_bytes, v.saves_total_bytes, v.fits, v.command)
        for v in levers
    )
    return Table(columns, tuple(rows))


def _tensors(result: RunResult) -> Table:
    columns = (
        "tensor",
        "layer",
        "shape",
        "dtype",
        "row",
        "col",
        "rows",
        "cols",
        "start_cycle",
        "end_cycle",
        "ops",
        "pe_cycles",
        "strip_elements",
    )
    rows = (
        (
            t.name,
            t.layer,
            "x".join(map(str, t.shape)),
            t.dtype,
            *t.region,
            t.start_cycle,
            t.end_cycle,
            t.ops,
            t.pe_cycles,
            t.strip_elements,
        )
        for t in result.tensors
    )
    return Table(columns, tuple(rows))
