"""What a loop saves the array engine: a ``Loop`` against the same program written out.

    python benchmarks/loops.py           # up to 720 PEs and 720 passes: seconds
    python benchmarks/loops.py --quick   # the smallest sizes

1. *A line*: PE 0 sends a panel to all others, and each PE works for its own number of cycles.
2. *A rectangle*: panels along its rows and along its columns, then the work.
3. *MeshGEMM*: tiles go round a folded ring. At the two ends of a line a way is one hop shorter
   than elsewhere, and every tile meets the ends in another pass. So no two passes in a row add the
   same cycles. A loop saves nothing, and looking for equal passes costs something.

Both forms run in this process, and their cycles and digests have to be equal. ``simulated`` counts
the passes that the engine went through; it has jumped over the others. Times are CPU seconds, the
best of some runs, without what is in use in each cycle, since a run that records it jumps over no
pass.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wse_emulator.activities import (
    LineMulticast,
    Loop,
    OpChain,
    ProgramPart,
    VectorOp,
    Work,
    leaves,
    unroll,
)
from wse_emulator.engines.alone import run_alone
from wse_emulator.engines.array.op_tables import ChainTables
from wse_emulator.engines.array.settling import settle
from wse_emulator.engines.digest import digest
from wse_emulator.engines.timing import Timing
from wse_emulator.kernels.mesh_gemm import mesh_gemm
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

CHANNEL: Final = "panels"
PANEL_WAVELETS: Final = 18
WORK_CYCLES: Final = (410, 380, 455, 430, 395)
"""Cycles of a pass on PEs 0, 1, 2 ... of a line, again from the first after the last."""

TILE: Final = (6, 6, 6)
RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """A program with loops, on a wafer of as many PEs as it needs."""

    name: str
    region: Region
    program: tuple[ProgramPart, ...]

    @property
    def spec(self) -> WaferSpec:
        """The wafer."""
        return WSE2.scaled(self.region.rows, self.region.cols)

    @property
    def passes(self) -> int:
        """Passes of its loops together."""
        return sum(part.times for part in self.program if isinstance(part, Loop))


def line(pes: int, passes: int) -> Case:
    """Panels from PE 0 along one line."""
    region = Region(0, 0, 1, pes)
    panel = LineMulticast("panel", region, "row", 0, PANEL_WAVELETS, CHANNEL)
    return Case(f"line of {pes}", region, (Loop((panel, work(region)), passes),))


def rectangle(side: int, passes: int) -> Case:
    """Panels from the first column along the rows, and from the first row along the columns."""
    region = Region(0, 0, side, side)
    body = (
        LineMulticast("left", region, "row", 0, PANEL_WAVELETS, CHANNEL),
        LineMulticast("right", region, "column", 0, PANEL_WAVELETS, CHANNEL),
        work(region),
    )
    return Case(f"{side} x {side}", region, (Loop(body, passes),))


def ring(side: int) -> Case:
    """A product of matrices whose tiles go round rings."""
    region = Region(0, 0, side, side)
    return Case(f"MeshGEMM {side} x {side}", region, mesh_gemm(region, TILE, WSE2))


def work(region: Region) -> Work:
    """Cycles that differ from PE to PE."""
    chains = tuple(OpChain((VectorOp(op=0, strip_cycles=cycles),)) for cycles in WORK_CYCLES)
    runs = tuple((1, pe % len(chains)) for pe in range(region.pes))
    return Work("work", region, chains, runs)


def measure(spec: WaferSpec, program: Sequence[ProgramPart]) -> tuple[float, Timing]:
    """CPU seconds of the array engine, the best of some runs, and its answer."""
    seconds = []
    for _ in range(RUNS):
        gc.collect()
        begin = time.process_time()
        timing = run_alone(program, spec)
        seconds.append(time.process_time() - begin)
    return min(seconds), timing


def simulated(case: Case) -> int:
    """Passes of all loops that the array engine goes through."""
    runs: list[int] = []
    tables = ChainTables()
    settle(case.spec, case.program, 1, tables, lambda leaf, _: runs.append(leaf), most_waiting=None)
    written = [sum(1 for _ in leaves([loop])) for loop in case.program]
    firsts = {sum(written[:index]) for index in range(len(written))}
    return sum(leaf in firsts for leaf in runs)


def compare(cases: Sequence[Case]) -> None:
    """A line of the table for each case; the two forms have to agree."""
    print("array engine        passes  simulated       cycles    loop s  written out s     ratio")
    for case in cases:
        plain = tuple(activity for _, activity in unroll(case.program))
        looped_seconds, looped = measure(case.spec, case.program)
        plain_seconds, written_out = measure(case.spec, plain)
        cycles = looped.elapsed_cycles
        if cycles != written_out.elapsed_cycles or digest(looped) != digest(written_out):
            raise SystemExit(f"{case.name}: a loop and the same written out differ")
        print(
            f"{case.name:<18} {case.passes:7,} {simulated(case):10,} {cycles:12,} "
            f"{looped_seconds:9.4f} {plain_seconds:14.4f} {plain_seconds / looped_seconds:8.1f}x",
            flush=True,
        )
    print(
        "MeshGEMM's tiles go round a ring: no two passes in a row add the same cycles, so every "
        "pass\nis simulated. run_by_lines makes such a grid cheap: one row and one column of it."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the smallest sizes only")
    options = parser.parse_args()
    if options.quick:
        compare([line(64, 72), rectangle(8, 72), ring(16)])
    else:
        lines = [line(pes, 720) for pes in (64, 180, 360, 720)]
        compare([*lines, rectangle(32, 720), ring(60), ring(120)])


if __name__ == "__main__":
    main()
