"""Synthetic results for tests of files and views: cheap, and of every size a user meets."""

from __future__ import annotations

import dataclasses

import numpy as np

from wse_emulator.results.facts import FunctionForms, Lever, ModelFacts, OptimizerFacts, WaferFacts
from wse_emulator.results.run import (
    CriticalPart,
    MemoryFacts,
    MessageFacts,
    OpFacts,
    PeSample,
    RunArrays,
    RunResult,
    StepFacts,
    TensorFacts,
    Utilization,
    WallSeconds,
)

CLOCK_HZ = 850_000_000
CAPACITY = 49_152
OPS = ("mul", "lerp", "addcmul", "sqrt", "div", "add", "addcdiv")
BINS = 200


def layer_regions(layers: int, rows: int, cols: int) -> list[tuple[int, int, int, int]]:
    """Bands of equal size that tile the wafer as a grid, row by row."""
    across = max(1, round((layers * cols / rows) ** 0.5))
    across = min(across, cols, layers)
    down = -(-layers // across)
    regions = []
    for index in range(layers):
        line, place = divmod(index, across)
        places = min(across, layers - line * across)
        top, bottom = line * rows // down, (line + 1) * rows // down
        left, right = place * cols // places, (place + 1) * cols // places
        regions.append((top, left, max(bottom - top, 1), max(right - left, 1)))
    return regions


def make_result(
    *,
    rows: int = 4,
    cols: int = 4,
    layers: int = 1,
    tensors_per_layer: int = 1,
    fits: bool = True,
    name: str = "tiny",
    tensor_cycles: int = 300,
    steps: int = 1,
    seed: int = 0,
) -> RunResult:
    """A result whose numbers hang together: regions tile the wafer, tensors follow one another,
    the learning rate reaches a PE by its distance from the controller."""
    random = np.random.default_rng(seed)
    controller = (rows // 2, 0)
    regions = layer_regions(layers, rows, cols)
    row, col = np.indices((rows, cols))
    distance = abs(row - controller[0]) + abs(col - controller[1])
    schedule_end, far = 60, int(distance.max())

    tensors: list[TensorFacts] = []
    op_start: list[int] = [0]
    op_end: list[int] = [schedule_end]
    op_tensor: list[int] = [-1]
    op_names = ["aten.mul.Tensor"]
    busy = np.zeros((rows, cols), dtype=np.int64)
    sram = np.zeros((rows, cols), dtype=np.int64)
    temporaries = 0
    for layer, region in enumerate(regions):
        top, left, height, width = region
        area = np.s_[top : top + height, left : left + width]
        near = schedule_end + 5 + int(distance[area].min())
        skew = int(distance[area].max() - distance[area].min())
        time = 0
        for place in range(tensors_per_layer):
            cycles = max(int(tensor_cycles * (0.2 + 1.6 * random.random())), len(OPS))
            start, end = near + time, near + time + cycles + skew
            for index, op in enumerate(OPS):
                op_start.append(start + cycles * index // len(OPS))
                op_end.append(start + cycles * (index + 1) // len(OPS) + skew)
                op_tensor.append(len(tensors))
                op_names.append(f"aten.{op}_.default")
            tensors.append(
                TensorFacts(
                    name=f"transformer.h.{layer}.part_{place}.weight",
                    layer=f"transformer.h.{layer}",
                    shape=(64, 64),
                    dtype="float32",
                    region=region,
                    start_cycle=start if fits else -1,
                    end_cycle=end if fits else -1,
                    ops=len(OPS),
                    pe_cycles=cycles * height * width,
                    strip_elements=256,
                )
            )
            time += cycles
        busy[area] += time
        sram[area] = int((0.6 + 0.3 * random.random()) * CAPACITY)
        temporaries = max(temporaries, height * width * 1024)
    if not fits:
        sram = sram * 3
    elapsed = max(op_end)
    link = np.zeros((5, rows, cols), dtype=np.int64)
    link[0, controller[0], : cols - 1] = 1
    link[2, controller[0] : rows - 1, :] = 1
    link[3, 1 : controller[0] + 1, :] = 1
    link[4] = 1

    bin_cycles = -(-elapsed // BINS)
    edges = np.linspace(0, 1, -(-elapsed // bin_cycles))
    pes = rows * cols
    worst = np.unravel_index(int(sram.argmax()), sram.shape)
    worst_pe = (int(worst[0]), int(worst[1]))
    parts = critical_parts(elapsed, schedule_end, controller, far)
    worst_bytes = split_bytes(int(sram.max()))
    return RunResult(
        wafer=WaferFacts(
            name="WSE2",
            rows=rows,
            cols=cols,
            pes=pes,
            clock_hz=CLOCK_HZ,
            sram_bytes_per_pe=CAPACITY,
            reserved_bytes_per_pe=8192,
        ),
        model=ModelFacts(name=name, parameters=4096 * len(tensors), tensors=len(tensors)),
        optimizer=OptimizerFacts(name="AdamW", options={"lr": 6e-4, "betas": [0.9, 0.95]}),
        scheduler="CosineDecayLR",
        controller=controller,
        engine="array",
        mode="pipelined",
        fits=fits,
        steps=tuple(
            StepFacts(
                step=i,
                learning_rate=6e-4 * (i + 1) / steps,
                cycles=elapsed,
                seconds=elapsed / CLOCK_HZ,
            )
            for i in range(steps if fits else 0)
        ),
        tensors=tuple(tensors),
        layers=tuple((f"transformer.h.{i}", region) for i, region in enumerate(regions)),
        ops=op_facts(busy) if fits else (),
        op_names=tuple(op_names) if fits else (),
        critical_path=parts if fits else (),
        utilization=Utilization(
            pe_busy=float(busy.sum() / (elapsed * pes)) if fits else 0.0,
            link_busy=float(link[:4].sum() / (elapsed * pes * 4)) if fits else 0.0,
            sram_peak=float(sram.max() / CAPACITY),
        ),
        memory=MemoryFacts(
            bytes=split_bytes(int(sram.sum())),
            capacity_bytes=CAPACITY,
            peak_bytes=int(sram.max()),
            mean_bytes=float(sram.mean()),
            worst_pe=worst_pe,
            worst_pe_bytes=worst_bytes,
        ),
        unsourced_share=0.31,
        seconds_interval=(0.9 * elapsed / CLOCK_HZ, 1.4 * elapsed / CLOCK_HZ)
        if fits
        else (0.0, 0.0),
        assumptions=("launch_cycles: 16, measured on another machine of the family",),
        events=len(op_names) if fits else 0,
        wall_seconds=WallSeconds(capture=0.2, place=0.1, simulate=0.3, report=0.0),
        digest="ab" * 32 if fits else "",
        command="wse run tiny --optimizer AdamW --out report",
        messages=(
            MessageFacts(
                name="learning rate",
                kind="multicast",
                tensor=-1,
                region=(0, 0, rows, cols),
                root=controller,
                wavelets=1,
                start_cycle=schedule_end,
                end_cycle=schedule_end + 5 + far,
            ),
        )
        if fits
        else (),
        samples=(PeSample(pe=worst_pe, why="critical", parts=parts),) if fits else (),
        forms=FunctionForms(
            functions=("square root", "division"),
            form="library",
            library_cycles=elapsed,
            library_seconds=elapsed / CLOCK_HZ,
            vector_cycles=elapsed // 5,
            vector_seconds=(elapsed // 5) / CLOCK_HZ,
        )
        if fits
        else None,
        levers=()
        if fits
        else (
            Lever(
                what="optimizer SGD instead of AdamW", saves_bytes=int(sram.max() // 3), fits=False
            ),
            Lever(what="keep state in bfloat16", saves_bytes=int(sram.max() // 4), fits=False),
        ),
        gap_bytes=0 if fits else int(sram.max()) - CAPACITY,
        arrays=RunArrays(
            pe_busy=busy if fits else np.zeros_like(busy),
            sram_peak=sram,
            link_busy=link if fits else np.zeros_like(link),
            op_start=np.array(op_start if fits else [], dtype=np.int64),
            op_end=np.array(op_end if fits else [], dtype=np.int64),
            op_tensor=np.array(op_tensor if fits else [], dtype=np.int64),
            op_cycles=np.array(op_end if fits else [], dtype=np.int64)
            - np.array(op_start if fits else [], dtype=np.int64),
            bin_cycles=bin_cycles if fits else 1,
            busy_pes=series(pes, edges, fits=fits),
            busy_links=series(pes // 2, 1 - edges, fits=fits),
            temporary_bytes=series(temporaries, edges, fits=fits),
            rate_step=np.arange(0, 1000, 10, dtype=np.int64),
            rate_value=6e-4 * np.minimum(1.0, (np.arange(0, 1000, 10) + 1) / 100),
        ),
    )


def critical_parts(
    elapsed: int, schedule_end: int, controller: tuple[int, int], far: int
) -> tuple[CriticalPart, ...]:
    """Schedule on the controller, broadcast to the farthest PE, then its work."""
    arrived = schedule_end + 5 + far
    cuts = (
        ("learning rate on the controller", "schedule", 0, schedule_end),
        ("learning rate to the farthest PE", "broadcast", schedule_end, arrived),
        ("transformer.h.0.part_0.weight", "update", arrived, elapsed),
    )
    return tuple(
        CriticalPart(what=what, phase=phase, start_cycle=start, end_cycle=end)
        for what, phase, start, end in cuts
    )


def op_facts(busy: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[OpFacts, ...]:
    """The kinds of op, the square root and the division as sequences of ours."""
    total = int(busy.sum())
    facts = [
        OpFacts(
            name=op,
            phase="update",
            count=10,
            pe_cycles=total // len(OPS),
            unsourced_pe_cycles=total // len(OPS) if op in ("sqrt", "div") else 0,
        )
        for op in OPS
    ]
    facts.append(
        OpFacts(name="broadcast", phase="broadcast", count=1, pe_cycles=16, unsourced_pe_cycles=0)
    )
    facts.append(
        OpFacts(
            name="cos",
            phase="schedule",
            count=1,
            pe_cycles=60,
            counted_pe_cycles=60,
            unsourced_pe_cycles=0,
        )
    )
    return tuple(facts)


def split_bytes(total: int) -> dict[str, int]:
    """``total`` bytes over the categories of a plan."""
    quarter = total // 5
    rest = total - 4 * quarter
    return {
        "weights": quarter,
        "gradients": quarter,
        "optimizer_state": 2 * quarter,
        "temporaries": rest // 4,
        "activations": 0,
        "reserved": rest - rest // 4,
    }


def series(
    peak: int, edges: np.ndarray[tuple[int, ...], np.dtype[np.float64]], *, fits: bool
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A curve over the step that rises, stays, and falls."""
    return peak * np.minimum(1.0, 8 * edges * (1 - edges)) if fits else np.zeros(0)


def tiny() -> RunResult:
    """One tensor on a 4 x 4 wafer."""
    return make_result()


def one_pe() -> RunResult:
    """One tensor on one PE."""
    return make_result(rows=1, cols=1)


def gpt2_xl_like() -> RunResult:
    """50 layers, 600 tensors, on 994 x 750 PEs."""
    return make_result(
        rows=994, cols=750, layers=50, tensors_per_layer=12, name="gpt2-xl", tensor_cycles=4000
    )


def llama_70b_like() -> RunResult:
    """82 layers, 1,476 tensors, on 994 x 750 PEs."""
    return make_result(
        rows=994, cols=750, layers=82, tensors_per_layer=18, name="llama2-70b", tensor_cycles=900
    )


def too_large() -> RunResult:
    """A model that does not fit."""
    return make_result(
        rows=994, cols=750, layers=34, tensors_per_layer=9, name="llama3-8b", fits=False
    )


def far_too_large() -> RunResult:
    """A model that does not fit, of so many layers that few names have room on the wafer."""
    return make_result(
        rows=994, cols=750, layers=160, tensors_per_layer=2, name="llama2-70b", fits=False
    )


def awkward() -> RunResult:
    """A slender wafer, two steps, and names that are long, foreign, or hold markup."""
    result = make_result(rows=3, cols=200, layers=9, tensors_per_layer=5, steps=2, name="$x$" * 30)
    strange = ("a" * 200, "层.0.权重", "</script><b>", "under_score$^$", "tab\there", "")
    tensors = tuple(
        dataclasses.replace(t, name=f"{strange[i % len(strange)]}.{i}", layer=f"{t.layer}" * 9)
        for i, t in enumerate(result.tensors)
    )
    layers = tuple((name * 9, region) for name, region in result.layers)
    return dataclasses.replace(result, tensors=tensors, layers=layers)
