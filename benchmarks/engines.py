"""How fast the engines are, as ratios measured side by side in one run.

    python benchmarks/engines.py                 # up to 65,536 PEs: a few minutes
    python benchmarks/engines.py --quick         # the two smallest sizes
    python benchmarks/engines.py --whole-wafer   # the PE engine on a whole WSE-2: minutes, 10 GB

1. *Array against PE engine*: AdamW on GPT-2 on cuts of a WSE-2 that hold its 124 M parameters in
   proportion; the digests have to be equal.
2. *PE engine against bare SimPy*: a program with as many processes, the same timeouts, and a
   ``simpy.Resource`` for every link and ramp that the PE engine books; rates in events a second.
3. *Array engine on GPT-2 XL*, whole WSE-2: seconds and peak memory.
4. *Growth*: seconds over PEs and over tensors, with the exponent of a power-law fit.

Programs are built from activities directly, so nothing but the engines is measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import simpy

from wse_emulator.activities import Activity, Multicast, OpChain, VectorOp, Work
from wse_emulator.engines.array import simulate_array
from wse_emulator.engines.clock import Clock
from wse_emulator.engines.digest import digest
from wse_emulator.engines.pe import simulate_pe
from wse_emulator.engines.programs import Programs, Step, WorkStep
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
    shards over a band of the wafer."""
    wafer = Region(0, 0, spec.rows, spec.cols)
    controller = (spec.rows // 2, 0)
    rate = OpChain((VectorOp(op=0, strip_cycles=40, once=True),))
    activities: list[Activity] = [
        Work("rate", Region(*controller, 1, 1), (rate,), ((1, 0),)),
        Multicast("rate", wafer, controller, 1, "rate"),
    ]
    op = 1
    for layer, band in zip(model.layers, bands(model, spec), strict=True):
        held = 0
        for elements in layer:
            share, rest = divmod(elements, band.pes)
            first = held % band.pes
            held += rest
            runs = flat_runs(band.pes, first, rest)
            chains = tuple(chain(op, n) for n in (share, share + 1))
            activities.append(Work("tensor", band, chains, runs))
            op += OPS
    return tuple(activities)


def bands(model: Model, spec: WaferSpec) -> list[Region]:
    """One rectangle a layer: columns of bands as high as their share of the elements."""
    total = sum(map(sum, model.layers))
    edges = np.round(np.cumsum([0, *map(sum, model.layers)]) * (spec.rows / total)).astype(int)
    rows = [
        (min(int(a), spec.rows - 1), max(int(b), int(a) + 1))
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    return [Region(a, 0, min(b, spec.rows) - a, spec.cols) for a, b in rows]


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
    """Seconds of one engine, and its answer."""

    seconds: float
    digest: str
    events: int


def measure(
    engine: str, spec: WaferSpec, activities: Sequence[Activity], repeats: int = 1
) -> Measured:
    """The best of some runs."""
    simulate = {"array": simulate_array, "pe": simulate_pe}[engine]
    ops = 1 + OPS * len(activities)
    resident = np.zeros((spec.rows, spec.cols), np.int64)
    best, answer = float("inf"), None
    for _ in range(repeats):
        gc.collect()
        begin = time.process_time()
        answer = simulate(spec, activities, resident_bytes=resident, op_count=ops)
        best = min(best, time.process_time() - begin)
    assert answer is not None
    return Measured(best, digest(answer), answer.events)


def travel_cycles(spec: WaferSpec, message: Multicast) -> list[int]:
    """Cycles from the touch at the root until each PE's router has the message, row-major."""
    row, col = message.root
    rows = np.abs(np.arange(spec.rows) - row)[:, None]
    cols = np.abs(np.arange(spec.cols) - col)[None, :]
    climb = spec.touch_cycles + spec.ramp_cycles
    cycles: list[int] = (climb + (rows + cols) * spec.hop_cycles).ravel().tolist()
    return cycles


def bare_simpy(
    spec: WaferSpec, activities: Sequence[Activity]
) -> tuple[float, int]:
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
        pe: int, steps: Sequence[Step], link: simpy.Resource, ramp: simpy.Resource
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
