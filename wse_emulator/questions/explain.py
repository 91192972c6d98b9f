"""What limits a step: the same step emulated again with each limit of the machine lifted in turn.

A limit is lifted by changing the machine, nothing else: the captured step is placed, planned,
lowered and simulated anew on a :class:`~wse_emulator.wafer.spec.WaferSpec` whose field no longer
binds. What a limit costs is the difference in cycles. Limits overlap (an instruction waits for
lanes or for a port, whichever is slower), so the savings do not sum to the step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from wse_emulator.capture.built import PreparedStep, capture_prepared
from wse_emulator.emulate import EmulatedStep, emulate_step
from wse_emulator.engines.digest import digest
from wse_emulator.errors import DoesNotFitError, ResultFileError
from wse_emulator.program import StepProgram
from wse_emulator.results.explain import Effect, Explanation, Limit
from wse_emulator.results.run import PeTime
from wse_emulator.summary.critical_path import pe_times, sampled_pes
from wse_emulator.tell import Tell
from wse_emulator.wafer.spec import WaferSpec

UNLIMITED: Final = 10**6
"""Elements or bytes a cycle that no shard reaches: a PE holds 48 KiB."""


def _without_lanes(spec: WaferSpec) -> WaferSpec:
    fast = tuple(
        dataclasses.replace(rate, elements_per_cycle=Fraction(UNLIMITED)) for rate in spec.lanes
    )
    return dataclasses.replace(spec, lanes=fast)


def _without_ports(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(
        spec, sram_read_bytes_per_cycle=UNLIMITED, sram_write_bytes_per_cycle=UNLIMITED
    )


def _without_bank_conflicts(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, bank_conflict_factor=Fraction(1))


def _without_launch(spec: WaferSpec) -> WaferSpec:
    instant = tuple(
        rate if rate.launch_cycles is None else dataclasses.replace(rate, launch_cycles=0)
        for rate in spec.lanes
    )
    return dataclasses.replace(spec, launch_cycles=0, lanes=instant)


def _without_scalars(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(
        spec,
        scalar_op_cycles=1,
        scalar_divide_cycles=1,
        scalar_function_cycles=1,
        scalar_function_low_cycles=1,
    )


def _without_hops(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, hop_cycles=1, turn_cycles=0)


def _without_ramps(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, ramp_cycles=0)


def _without_stages(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, dispatch_cycles=0, activation_cycles=0, completion_cycles=0)


def _without_link_rate(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, wavelet_bytes=UNLIMITED, cycles_per_wavelet=Fraction(1))


def _at_low_end(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(
        spec, short_functions=1, scalar_function_cycles=spec.scalar_function_low_cycles
    )


LIMITS: Final = (
    Limit(
        "lanes",
        "compute",
        "any number of elements a cycle in every vector instruction",
        "16-bit formats have up to four times the lanes of float32",
        _without_lanes,
    ),
    Limit(
        "memory ports",
        "memory port",
        "any number of bytes a cycle from and to the SRAM of a PE",
        "narrower state and gradients move fewer bytes",
        _without_ports,
    ),
    Limit(
        "bank conflicts",
        "memory port",
        "two memory sources never meet in a bank group",
        "place weights, gradients and state so that their banks differ",
        _without_bank_conflicts,
    ),
    Limit(
        "launch",
        "compute",
        "a vector instruction costs nothing to issue",
        "fewer, longer instructions: fewer PEs a tensor, or longer strips (free SRAM)",
        _without_launch,
    ),
    Limit(
        "scalar arithmetic",
        "compute",
        "one cycle for any scalar instruction, division and square root included",
        "a simpler learning-rate schedule; numbers computed once instead of by tensor",
        _without_scalars,
    ),
    Limit(
        "hop latency",
        "latency",
        "one cycle a hop, the least, and none for a turn",
        "smaller regions; the machine decides the latency itself",
        _without_hops,
    ),
    Limit(
        "ramp latency",
        "latency",
        "no cycles between a PE and its router",
        "fewer messages in a row: fewer reductions a step",
        _without_ramps,
    ),
    Limit(
        "message stages",
        "latency",
        "no cycles to issue a send, to start the task it wakes, and to end it",
        "reductions of fewer stages; fewer reductions a step",
        _without_stages,
    ),
    Limit(
        "link rate and contention",
        "fabric",
        "every message is one wavelet, so no link is held longer than one cycle",
        "shorter vectors in reductions: narrower statistics, fewer rows and columns",
        _without_link_rate,
    ),
    Limit(
        "unsourced costs",
        "unknown",
        "costs that no document states at the low end of their interval",
        "none: this is what the emulator does not know; measure a kernel and --set its cycles",
        _at_low_end,
    ),
)
"""All limits, from the PE outwards; the last is no limit of the machine but of what is known."""


def lift_limits(
    program: StepProgram,
    spec: WaferSpec,
    *,
    engine: str = "array",
    limits: Sequence[Limit] = LIMITS,
    base: EmulatedStep | None = None,
    tell: Callable[[str], object] = str,
) -> Explanation:
    """Emulate a step again with each limit lifted in turn, and with all at once.

    Args:
        program: the captured step.
        spec: the machine as it is.
        engine: ``array`` or ``pe``.
        limits: which limits to lift.
        base: the step as it is, where it was emulated already.
        tell: called with the name of what is emulated next; does nothing by default.

    Raises:
        DoesNotFitError: the step does not fit on the machine, so there is no time to explain.
    """
    if base is None:
        tell("the step as it is")
        base = emulate_step(program, spec, engine)
    cycles = _cycles(base)
    effects = []
    everything = spec
    for limit in limits:
        lifted = limit.lift(spec)
        everything = limit.lift(everything)
        tell(limit.name)
        binds = lifted != spec
        found = _cycles(emulate_step(program, lifted, engine)) if binds else cycles
        saved = cycles - found
        effects.append(
            Effect(
                limit=limit,
                cycles=found,
                saved_cycles=saved,
                saved_share=saved / cycles if cycles else 0.0,
                binds=binds,
            )
        )
    tell("everything at once")
    return Explanation(
        optimizer=program.optimizer,
        cycles=cycles,
        critical=_critical(base),
        effects=tuple(sorted(effects, key=lambda effect: -effect.saved_cycles)),
        all_lifted_cycles=_cycles(emulate_step(program, everything, engine)),
    )


def _critical(step: EmulatedStep) -> PeTime:
    """The PE that ends last; the first such one by row, then column."""
    assert step.lowered is not None  # a step with a time was lowered
    assert step.timing is not None
    pe = next(iter(sampled_pes(step.placement, step.timing)))
    return pe_times([pe], step.placement, step.plan, step.lowered, step.timing)[0]


def _cycles(step: EmulatedStep) -> int:
    if step.timing is None:
        memory = step.plan.memory
        raise DoesNotFitError(
            f"the step does not fit on {step.placement.wafer.name} (the fullest PE would hold "
            f"{memory.worst_bytes:,} of {memory.capacity_bytes:,} B), so it has no time to "
            "explain; wse fit says what would make it fit"
        )
    return step.timing.elapsed_cycles


EXPLAIN_STAGES: Final = len(LIMITS) + 3
"""What explaining tells of: capture, the step as it is, each limit, all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The step that is explained.

    Attributes:
        prepared: what is captured.
        spec, engine: where it runs.
        command: the command of the result it comes from, or this very command.
        source, digest: the result it comes from; both empty if it comes from flags.
    """

    prepared: PreparedStep
    spec: WaferSpec
    engine: str
    command: str
    source: str = ""
    digest: str = ""


def explain_subject(subject: Subject, tell: Tell) -> Explanation:
    """Emulate the step as it is, then with each limit lifted.

    Args:
        tell: called with the name of each of ``EXPLAIN_STAGES`` parts as it begins.

    Raises:
        ResultFileError: the repeated step has other times than the result it comes from.
        DoesNotFitError: there is no step to explain.
    """
    tell("capturing the step")
    program = capture_prepared(subject.prepared, subject.spec)
    tell("the step as it is")
    base = emulate_step(program, subject.spec, subject.engine)
    _check_same(subject, base)
    return lift_limits(program, subject.spec, engine=subject.engine, base=base, tell=tell)


def _check_same(subject: Subject, step: EmulatedStep) -> None:
    """See that the repeated step has the times of the result it comes from."""
    if subject.digest and step.timing is not None and digest(step.timing) != subject.digest:
        raise ResultFileError(
            f"{subject.source}: its command no longer gives the times it holds (another "
            f"version, or the model or config has changed since); run it again: {subject.command}"
        )
