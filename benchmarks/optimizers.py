"""The optimizers against torch.optim's classes of the same name, measured side by side.

    python benchmarks/optimizers.py                       # eager, every class
    python benchmarks/optimizers.py --compiled AdamW SGD  # compiled steps as well

For each class one optimizer of ours and torch's for-loop, foreach and (where there is one) fused
forms step equal parameters in turn, round by round, so that a busy machine slows all of them. A
ratio is ours over torch's faster eager form, or compiled over torch's fused form (its faster eager
form where none is fused); below 1 means ours is faster. On a busy machine use one thread
and CPU time (`--threads 1 --cpu-time`). Reported are the ratio of the fastest
rounds and the median of the ratios round by round. Also reported: the cost of comparing the seal,
and the peak memory a step takes beyond what it began with, in units of one parameter.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

# This script has the package's name; run by its path, it would find itself.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import optimizers  # after the search path is put right
from optimizers.convert import COUNTERPARTS  # the same
from optimizers.rule import UpdateRule  # the same

Step = Callable[[], object]
WARM_UP_STEPS = 8  # RAdam's rule is cheaper in torch for its first five steps
RATES = {"SGD": {"lr": 0.1}, "Adafactor": {"lr": 0.01}}  # classes without a default rate
EXTRA = {"SGD": {"momentum": 0.9}, "AdamW": {"weight_decay": 0.01}, "Adam": {"weight_decay": 0.01}}
FUSED = ("SGD", "Adam", "AdamW", "Adagrad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Results of one class; times in milliseconds a step, ratios without unit."""

    name: str
    fastest_ms: dict[str, float]
    eager_ratio_of_fastest: float | None
    eager_ratio_median: float | None
    compiled_ratio_of_fastest: float | None
    compiled_ratio_median: float | None
    seal_share: float
    peak_tensors: float


def rules() -> dict[str, type[UpdateRule]]:
    """The classes of the package by name; AdamBase is timed as Adam and as AdamW."""
    exported = {name: getattr(optimizers, name) for name in optimizers.__all__}
    return {
        name: found
        for name, found in exported.items()
        if isinstance(found, type) and issubclass(found, UpdateRule) and name != "AdamBase"
    }


def with_gradients(
    cls: Callable[..., torch.optim.Optimizer], tensors: int, side: int, **arguments: object
) -> torch.optim.Optimizer:
    generator = torch.Generator().manual_seed(0)
    params = [
        torch.nn.Parameter(torch.randn(side, side, generator=generator)) for _ in range(tensors)
    ]
    for p in params:
        p.grad = torch.randn(side, side, generator=generator).mul_(0.01)
    return cls(params, **arguments)


def contestants(name: str, tensors: int, side: int, compiled: bool) -> dict[str, list[Step]]:
    """The steps to time, by label; each on parameters of its own.

    Every form is built twice: where the allocator happens to put the tensors moves the same
    step by 20 %, so the better placed of two is what is compared.
    """
    ours = rules()[name]
    arguments = {**RATES.get(name, {}), **EXTRA.get(name, {})}

    def steps(
        cls: Callable[..., torch.optim.Optimizer], copies: int = 2, **form: bool
    ) -> list[Step]:
        built = [with_gradients(cls, tensors, side, **arguments, **form) for _ in range(copies)]
        return [optimizer.step for optimizer in built]

    found = {"ours": steps(ours)}
    if compiled:
        torch._dynamo.reset()
        found["ours compiled"] = []
        for _ in range(2):
            optimizer = with_gradients(ours, tensors, side, **arguments)
            assert isinstance(optimizer, optimizers.Optimizer)
            found["ours compiled"].append(optimizers.compiled_step(optimizer))
    if name in COUNTERPARTS:
        theirs = getattr(torch.optim, name)
        if name == "Muon":
            found["torch loop"] = steps(theirs)  # it has one form
        else:
            found["torch loop"] = steps(theirs, foreach=False)
            found["torch foreach"] = steps(theirs, foreach=True)
        if name in FUSED:
            found["torch fused"] = steps(theirs, fused=True)
    return found


def measure(
    name: str, *, tensors: int, side: int, rounds: int, compiled: bool, clock: Callable[[], float]
) -> Measured:
    """Time the contestants of one class in turn."""
    steps = contestants(name, tensors, side, compiled)
    times: dict[str, list[float]] = {label: [] for label in steps}
    for step in (step for copies in steps.values() for step in copies):
        for _ in range(WARM_UP_STEPS):
            step()
    for _ in range(rounds):
        for label, copies in steps.items():
            times[label].append(min(_seconds(step, clock) for step in copies))
    eager = [label for label in ("torch loop", "torch foreach") if label in times]
    best = min(eager, key=lambda label: min(times[label]), default=None)
    against = "torch fused" if "torch fused" in times else best
    return Measured(
        name=name,
        fastest_ms={label: round(1e3 * min(ts), 3) for label, ts in times.items()},
        eager_ratio_of_fastest=_of_fastest(times, "ours", best),
        eager_ratio_median=_median_ratio(times, "ours", best),
        compiled_ratio_of_fastest=_of_fastest(times, "ours compiled", against),
        compiled_ratio_median=_median_ratio(times, "ours compiled", against),
        seal_share=_seal_seconds(name, tensors) / min(times["ours"]),
        peak_tensors=_peak_tensors(name, side),
    )


def _seconds(step: Step, clock: Callable[[], float]) -> float:
    start = clock()
    step()
    return clock() - start


def _of_fastest(times: dict[str, list[float]], ours: str, theirs: str | None) -> float | None:
    if theirs is None or ours not in times:
        return None
    return min(times[ours]) / min(times[theirs])


def _median_ratio(times: dict[str, list[float]], ours: str, theirs: str | None) -> float | None:
    if theirs is None or ours not in times:
        return None
    pairs = zip(times[ours], times[theirs], strict=True)
    return statistics.median(a / b for a, b in pairs)


def _seal_seconds(name: str, tensors: int) -> float:
    """Seconds of the two comparisons of the seal in a step."""
    optimizer = with_gradients(rules()[name], tensors, 4, **RATES.get(name, {}))
    assert isinstance(optimizer, optimizers.Optimizer)
    seal = optimizer._seal
    assert seal is not None
    fastest = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        seal.check(optimizer.state, "before step()")
        seal.check(optimizer.state, "during step()")
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def _peak_tensors(name: str, side: int) -> float:
    """Most memory held at once in a step beyond its start, in parameters of one tensor."""
    optimizer = with_gradients(rules()[name], 4, side, **RATES.get(name, {}))
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        optimizer.step()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak / (side * side * 4)


def main() -> None:
    """Measure the classes named on the command line and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(rules()))
    parser.add_argument("--compiled", action="store_true", help="compile our steps too (slow)")
    parser.add_argument("--tensors", type=int, default=100)
    parser.add_argument("--side", type=int, default=447, help="rows and columns of each tensor")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="CPU seconds instead of wall time: for a busy machine",
    )
    parser.add_argument("--json", type=Path, help="write the results here as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", message="Profiler record function")
    print(
        f"torch {torch.__version__}, {options.tensors} tensors of {options.side} x {options.side} "
        f"float32, {options.threads} threads, {options.rounds} rounds"
    )
    print("class      eager/torch (median)   compiled/torch (median)  seal   peak tensors")
    results = []
    for name in options.names:
        result = measure(
            name,
            tensors=options.tensors,
            side=options.side,
            rounds=options.rounds,
            compiled=options.compiled,
            clock=time.process_time if options.cpu_time else time.perf_counter,
        )
        results.append(asdict(result))
        eager = _shown(result.eager_ratio_of_fastest, result.eager_ratio_median)
        compiled = _shown(result.compiled_ratio_of_fastest, result.compiled_ratio_median)
        print(
            f"{name:10s} {eager:22s} {compiled:24s} {result.seal_share:5.1%}  "
            f"{result.peak_tensors:.2f}   ms: {result.fastest_ms}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def _shown(fastest: float | None, median: float | None) -> str:
    return "-" if fastest is None or median is None else f"{fastest:.3f} ({median:.3f})"


if __name__ == "__main__":
    main()
