"""How fast the engines are, as ratios measured side by side in one run.

    python benchmarks/engines.py                 # up to 65,536 PEs: a few minutes
    python benchmarks/engines.py --quick         # the two smallest sizes
    python benchmarks/engines.py --whole-wafer   # the PE engine on a whole WSE-2: a quarter hour

1. *Array against PE engine*: AdamW on GPT-2 on cuts of a WSE-2 that hold its 124 M parameters in
   proportion; the digests have to be equal.
2. *PE engine against bare SimPy*: a program with as many processes, the same timeouts, and a
   ``simpy.Resource`` for every link and ramp that the PE engine books; rates in events a second.
3. *Array engine on GPT-2 XL*, whole WSE-2: seconds and peak memory.
4. *Growth*: seconds over PEs and over tensors, with the exponent of a power-law fit.

Programs are built from activities directly, so nothing but the engines is measured. Times are CPU
seconds. Record of ``--whole-wafer``, on 2 cores shared with other work (same digest):

             PEs    array s       pe s    pe/array   pe events/s  of bare SimPy
         745,500     0.0662     322.87      4,875x       111,609          1.48x
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simpy

from wse_emulator.activities import Activity, Axis, Chain, Multicast, OpChain, VectorOp, Work
from wse_emulator.engines import Engine
from wse_emulator.engines.array.engine import simulate_array
from wse_emulator.engines.digest import digest
from wse_emulator.engines.pe.clock import Clock
from wse_emulator.engines.pe.machine import simulate_pe
from wse_emulator.engines.pe.programs import Programs, ProgramStep, WorkStep
from wse_emulator.wafer.presets import WSE2
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec

OPS = 12  # vector ops of an AdamW step, one of them with two temporaries alive
LAUNCH_CYCLES = 16
LANES = 2


@dataclass(frozen=True, slots=True)
class Model:
    """Elements of each tensor of each layer."""

    name: str
    layers: tuple[tuple[int, ...], ...]

    @property
    def tensors(self) -> int:
        return sum(map(len, self.layers))


def gpt2(name: str, width: int, depth: int) -> Model:
    """A GPT-2: embeddings, ``depth`` blocks, the final norm."""
    norm = (width, width)
    block = (
        *norm,
        *(3 * width * width, 3 * width, width * width, width),
        *norm,
        *(4 * width * width, 4 * width, 4 * width * width, width),
    )
    return Model(name, ((50_257 * width, 1_024 * width), *[block] * depth, norm))


def adamw(model: Model, spec: WaferSpec) -> tuple[Activity, ...]:
    """The rate from a controller at the west edge to all PEs, then every layer's tensors in flat
    shards over the layer's rectangle."""
    activities = rate(spec)
    for layer, rectangle in zip(model.layers, rectangles(model, spec), strict=True):
        for elements in layer:
            activities.append(update(elements, rectangle, op=1 + OPS * len(activities)))
    return tuple(activities)


def clipped_adamw(model: Model, spec: WaferSpec) -> tuple[Activity, ...]:
    """AdamW after an all-reduce of the gradients' norm over the wafer."""
    wafer = Region(0, 0, spec.rows, spec.cols)
    steps = adamw(model, spec)
    return (*steps[:2], *all_reduce(wafer, 1, "norm"), *steps[2:])


def lamb(model: Model, spec: WaferSpec) -> tuple[Activity, ...]:
    """AdamW with two norms a tensor, reduced over its rectangle in one message of two wavelets."""
    activities = rate(spec)
    for number, (layer, rectangle) in enumerate(
        zip(model.layers, rectangles(model, spec), strict=True)
    ):
        for elements in layer:
            activities.append(update(elements, rectangle, op=1 + OPS * len(activities)))
            activities += all_reduce(rectangle, 2, f"norms {number}")
    return tuple(activities)


def rate(spec: WaferSpec) -> list[Activity]:
    """The controller computes the rate and sends it to all PEs."""
    wafer = Region(0, 0, spec.rows, spec.cols)
    controller = (spec.rows // 2, 0)
    scalar = OpChain((VectorOp(op=0, strip_cycles=40, once=True),))
    return [
        Work("rate", Region(*controller, 1, 1), (scalar,), ((1, 0),)),
        Multicast("rate", wafer, controller, 1, "rate"),
    ]


def update(elements: int, rectangle: Region, op: int) -> Work:
    """One tensor's ops on the PEs of its layer, ``elements`` spread as evenly as can be."""
    share, rest = divmod(elements, rectangle.pes)
    runs = flat_runs(rectangle.pes, op % rectangle.pes, rest)
    return Work("tensor", rectangle, (chain(op, share), chain(op, share + 1)), runs)


def all_reduce(region: Region, wavelets: int, channel: str) -> list[Activity]:
    """Trees along the rows to the first column, a tree along it, and the sum back to all."""
    first_column = Region(region.row, region.col, region.rows, 1)
    return [
        *tree(region, "row", wavelets, channel),
        *tree(first_column, "column", wavelets, channel),
        Multicast("sum", region, (region.row, region.col), wavelets, channel),
    ]


def tree(lines: Region, axis: Axis, wavelets: int, channel: str) -> list[Activity]:
    """Rounds of pairs, twice as far apart in each."""
    root, length = (lines.col, lines.cols) if axis == "row" else (lines.row, lines.rows)
    return [
        Chain("tree", lines, axis, root, 2**k, -(-length // 2**k), wavelets, channel, group=2)
        for k in range((length - 1).bit_length())
    ]


def rectangles(model: Model, spec: WaferSpec) -> list[Region]:
    """One rectangle a layer: the wafer cut in two again and again, elements in proportion."""
    sizes = [sum(layer) for layer in model.layers]

    def cut(region: Region, first: int, stop: int) -> list[Region]:
        if stop - first == 1:
            return [region]
        half = max(sum(sizes[first:stop]) / 2, sizes[first])
        middle = first + 1
        while middle < stop - 1 and sum(sizes[first : middle + 1]) <= half:
            middle += 1
        share = sum(sizes[first:middle]) / sum(sizes[first:stop])
        if region.rows >= region.cols:
            rows = min(max(round(region.rows * share), 1), region.rows - 1)
            near = Region(region.row, region.col, rows, region.cols)
            far = Region(region.row + rows, region.col, region.rows - rows, region.cols)
        else:
            cols = min(max(round(region.cols * share), 1), region.cols - 1)
            near = Region(region.row, region.col, region.rows, cols)
            far = Region(region.row, region.col + cols, region.rows, region.cols - cols)
        return [*cut(near, first, middle), *cut(far, middle, stop)]

    return cut(Region(0, 0, spec.rows, spec.cols), 0, len(sizes))


def flat_runs(pes: int, first: int, rest: int) -> tuple[tuple[int, int], ...]:
    """``rest`` PEs from ``first`` on, around the end, run chain 1; the others chain 0."""
    if first + rest <= pes:
        runs = ((first, 0), (rest, 1), (pes - first - rest, 0))
    else:
        wrapped = first + rest - pes
        runs = ((wrapped, 1), (first - wrapped, 0), (pes - first, 1))
    return tuple(run for run in runs if run[0])


def chain(op: int, elements: int) -> OpChain:
    """A PE's share of a tensor in one strip."""
    if elements == 0:
        return OpChain(())
    cycles = LAUNCH_CYCLES + -(-elements // LANES)
    buffers = 8 * min(elements, 256)  # two strips of float32
    temporaries = {8: (buffers, 0), 10: (0, buffers)}
    return OpChain(
        tuple(VectorOp(op + i, cycles, 0, *temporaries.get(i, (0, 0))) for i in range(OPS))
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds of one engine, what it processed, and its answer."""

    seconds: float
    events: int
    digest: str


def measure(
    engine: Engine, spec: WaferSpec, activities: Sequence[Activity], repeats: int = 1
) -> Measured:
    """The best of some runs."""
    ops = 1 + OPS * len(activities)
    resident = np.zeros((spec.rows, spec.cols), np.int64)
    runs = []
    for _ in range(repeats):
        gc.collect()
        begin = time.process_time()
        timing = engine(spec, activities, resident_bytes=resident, op_count=ops)
        runs.append(Measured(time.process_time() - begin, timing.events, digest(timing)))
    return min(runs, key=lambda run: run.seconds)


def travel_cycles(spec: WaferSpec, message: Multicast) -> list[int]:
    """Cycles from the touch at the root until each PE's router has the message, row-major."""
    row, col = message.root
    rows = np.abs(np.arange(spec.rows) - row)[:, None]
    cols = np.abs(np.arange(spec.cols) - col)[None, :]
    climb = spec.touch_cycles + spec.ramp_cycles
    cycles: list[int] = (climb + (rows + cols) * spec.hop_cycles).ravel().tolist()
    return cycles


def bare_simpy(spec: WaferSpec, activities: Sequence[Activity]) -> tuple[float, int]:
    """(seconds, events) of plain processes with the timeouts and resource uses of a program.

    Every PE is a process that waits as long as the PE engine's PE does, op for op, and uses one
    ``simpy.Resource`` for the link and one for the ramp of each message it takes. The cycle in
    which a message comes is known beforehand, so the events of both programs lie at the same
    times; nothing is recorded.
    """
    programs = Programs(Clock(), spec)
    for index, activity in enumerate(activities):
        programs.add(index, activity)
    travel = [travel_cycles(spec, a) for a in activities if isinstance(a, Multicast)]
    gc.collect()
    gc.disable()
    begin = time.process_time()
    env = simpy.Environment()

    def process(
        pe: int, steps: Sequence[ProgramStep], link: simpy.Resource, ramp: simpy.Resource
    ) -> Generator[simpy.Event, object, None]:
        seen = 0
        for step in steps:
            if isinstance(step, WorkStep):
                for _, cycles, _, _ in step.ops:
                    yield env.timeout(cycles)
            else:
                for used, wait in ((link, travel[seen][pe]), (ramp, spec.ramp_cycles)):
                    with used.request() as granted:
                        yield granted
                        yield env.timeout(wait)
                seen += 1

    for pe, steps in enumerate(programs.steps):
        if steps:
            env.process(process(pe, steps, simpy.Resource(env), simpy.Resource(env)))
    env.run()
    seconds = time.process_time() - begin
    gc.enable()
    return seconds, next(env._eid)


def against_the_pe_engine(sides: Sequence[int]) -> None:
    """Sections 1 and 2 of the table."""
    print("GPT-2, AdamW     PEs    array s       pe s    pe/array   pe events/s  of bare SimPy")
    model = gpt2("GPT-2", 768, 12)
    for side in sides:
        spec = WSE2 if side == 0 else WSE2.scaled(side, side)
        program = adamw(model, spec)
        fast = measure(simulate_array, spec, program, repeats=5)
        bare_seconds, bare_events = bare_simpy(spec, program)
        slow = measure(simulate_pe, spec, program)
        if fast.digest != slow.digest:
            raise SystemExit(f"the engines differ on {spec.pes} PEs: {fast} and {slow}")
        pace = slow.events / slow.seconds
        print(
            f"{spec.pes:20,} {fast.seconds:10.4f} {slow.seconds:10.2f} "
            f"{slow.seconds / fast.seconds:10,.0f}x {pace:13,.0f} "
            f"{pace / (bare_events / bare_seconds):13.2f}x",
            flush=True,
        )


def on_a_whole_wafer() -> None:
    """Section 3: each program in a process of its own, so that peaks are its own."""
    print("\nGPT-2 XL on a whole WSE-2, array engine:  activities    seconds  peak MiB")
    for name in PROGRAMS:
        command = [sys.executable, __file__, "--one", name]
        answer = json.loads(subprocess.check_output(command, text=True))
        print(
            f"{name:>40}  {answer['activities']:10,} {answer['seconds']:10.3f} "
            f"{answer['peak_mib']:9.0f}",
            flush=True,
        )


PROGRAMS = {"AdamW": adamw, "AdamW, clipped": clipped_adamw, "Lamb": lamb}


def one(name: str) -> None:
    """Simulate one program of GPT-2 XL and print what it took as JSON."""
    program = PROGRAMS[name](gpt2("GPT-2 XL", 1_600, 48), WSE2)
    seconds = measure(simulate_array, WSE2, program, repeats=3).seconds
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss has the parent's
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({"activities": len(program), "seconds": seconds, "peak_mib": peak}))


def growth() -> None:
    """Section 4: seconds = c * n**p; p at most 1 is linear."""
    model = gpt2("GPT-2", 768, 12)
    sides = (128, 256, 512, 720)
    over_pes = [
        measure(simulate_array, spec, adamw(model, spec), repeats=5).seconds
        for spec in (WSE2.scaled(side, side) for side in sides)
    ]
    depths = (12, 24, 48, 96)
    wide = WSE2.scaled(256, 256)
    over_tensors = [
        measure(simulate_array, wide, adamw(gpt2("", 256, depth), wide), repeats=5).seconds
        for depth in depths
    ]
    print("\ngrowth of the array engine, exponent of a power law")
    print(f"  over PEs:     {exponent([side**2 for side in sides], over_pes):.2f}")
    tensors = [gpt2("", 256, depth).tensors for depth in depths]
    print(f"  over tensors: {exponent(tensors, over_tensors):.2f}")


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes only")
    parser.add_argument("--whole-wafer", action="store_true", help="the PE engine on 745,500 PEs")
    parser.add_argument("--one", choices=PROGRAMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
    elif options.whole_wafer:
        against_the_pe_engine([0])
    else:
        against_the_pe_engine([64, 128] if options.quick else [64, 128, 256])
        on_a_whole_wafer()
        growth()


if __name__ == "__main__":
    main()
