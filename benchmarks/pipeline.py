"""Where the CPU seconds of a run go, stage by stage: GPT-2 XL on the whole WSE-2.

    python benchmarks/pipeline.py               # two minutes
    python benchmarks/pipeline.py --only Lamb   # one optimizer

Each optimizer runs in two processes of its own. One goes through the stages: capture (with
preparing the model on meta tensors), emulate (place, plan, lower and simulate), and the simulation
by itself, best of three. The other takes the whole of ``wse_emulator.run``, from names to result,
and its peak memory beyond that of the import.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wse_emulator
from wse_emulator.emulate import emulate
from wse_emulator.engines import simulate
from wse_emulator.inputs.given import Given
from wse_emulator.inputs.read import read
from wse_emulator.plan.known import learn
from wse_emulator.plan.placed import place_and_plan
from wse_emulator.wafer.presets import WSE2

MODEL: Final = "gpt2-xl"
SIMULATIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What is run: an optimizer class, its learning rate, and the norm gradients are clipped to."""

    optimizer: str
    lr: float = 1e-3
    max_grad_norm: float | None = None


STEPS: Final[Mapping[str, Step]] = {
    "SGD": Step("SGD"),
    "AdamW": Step("AdamW"),
    "AdamW, clipped": Step("AdamW", max_grad_norm=1.0),
    "Lamb": Step("Lamb"),
    "Adafactor": Step("Adafactor"),
}


def stages(step: Step) -> dict[str, float]:
    """CPU seconds of each stage in this process."""
    begin = time.process_time()
    inputs = read(
        Given(
            model=MODEL,
            optimizer=step.optimizer,
            lr=step.lr,
            max_grad_norm=step.max_grad_norm,
            wafer=WSE2,
        )
    )
    known = learn(inputs)
    captured = time.process_time()
    emulated = emulate(place_and_plan(known, inputs.request))
    done = time.process_time()
    if emulated.lowered is None:
        raise SystemExit(f"{MODEL} with {step.optimizer} does not fit")
    seconds = []
    for _ in range(SIMULATIONS):
        gc.collect()
        start = time.process_time()
        simulate(
            "array",
            WSE2,
            emulated.lowered.activities,
            resident_bytes=emulated.plan.memory.resident_bytes,
            op_count=len(emulated.program.ops),
        )
        seconds.append(time.process_time() - start)
    return {
        "activities": len(emulated.lowered.activities),
        "capture": captured - begin,
        "emulate": done - captured,
        "simulate": min(seconds),
    }


def whole(step: Step) -> dict[str, float]:
    """CPU seconds of a run in this process, and MiB beyond the import."""
    imported = _peak_mib()
    begin = time.process_time()
    wse_emulator.run(
        MODEL, optimizer=step.optimizer, lr=step.lr, max_grad_norm=step.max_grad_norm, wafer=WSE2
    )
    return {"run": time.process_time() - begin, "peak_mib": _peak_mib() - imported}


MEASURES: Final = {"stages": stages, "whole": whole}


def _peak_mib() -> float:
    """Most memory the process has held so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss has the parent's
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=STEPS, help="one optimizer instead of all")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASURES[options.measure](STEPS[options.only])))
        return
    print("GPT-2 XL, whole WSE-2, CPU seconds; emulate: place, plan, lower, simulate")
    print("optimizer       activities  capture  emulate  simulate  whole run  peak MiB")
    for name in [options.only] if options.only else STEPS:
        answer: dict[str, float] = {}
        for measure in MEASURES:
            command = [sys.executable, "-P", __file__, "--only", name, "--measure", measure]
            answer |= json.loads(subprocess.check_output(command, text=True))
        print(
            f"{name:<15} {answer['activities']:>10,} {answer['capture']:8.2f} "
            f"{answer['emulate']:8.2f} {answer['simulate']:9.2f} {answer['run']:10.2f} "
            f"{answer['peak_mib']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
