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

from wse_emulator.emulate import EmulatedStep, emulate, with_other_form
from wse_emulator.engines.digest import digest
from wse_emulator.errors import DoesNotFitError, InputError, ResultFileError, WseError
from wse_emulator.inputs.command_line import typed_explain
from wse_emulator.inputs.read import Inputs, read_again
from wse_emulator.plan.known import learn, on_wafer
from wse_emulator.plan.placed import Placed, place_and_plan
from wse_emulator.questions.fit.changes import precisions, sparser
from wse_emulator.questions.fit.judge import Judgement, judge
from wse_emulator.request import Request
from wse_emulator.results.explain import Effect, Explanation, Limit, LimitKind, TriedChange
from wse_emulator.results.run import PeTime
from wse_emulator.summary.critical_path import pe_times, sampled_pes
from wse_emulator.summary.run import function_forms
from wse_emulator.tell import Tell, silent
from wse_emulator.wafer.spec import WaferSpec

ROOMY_BYTES: Final = 10**11
"""SRAM of a PE that holds a panel in a wavelet without end; what fits was decided before."""

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
    return dataclasses.replace(
        spec, launch_cycles=0, step_launch_cycles=0, wavelet_launch_cycles=0, lanes=instant
    )


def _without_scalars(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(
        spec,
        scalar_op_cycles=1,
    )


def _without_functions(spec: WaferSpec) -> WaferSpec:
    free = tuple(
        dataclasses.replace(call, cycles=0, low_cycles=0, high_cycles=0) for call in spec.library
    )
    return dataclasses.replace(spec, functions="library", library=free)


def _without_hops(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, hop_cycles=1, turn_cycles=0)


def _without_ramps(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, ramp_cycles=0)


def _without_stages(spec: WaferSpec) -> WaferSpec:
    at_once = dataclasses.replace(
        spec.kernels, star_start=Fraction(0), rectangle_sum_start=Fraction(0)
    )
    return dataclasses.replace(
        spec, dispatch_cycles=0, activation_cycles=0, completion_cycles=0, kernels=at_once
    )


def _without_link_rate(spec: WaferSpec) -> WaferSpec:
    return dataclasses.replace(spec, wavelet_bytes=UNLIMITED, cycles_per_wavelet=Fraction(1))


def _at_low_end(spec: WaferSpec) -> WaferSpec:
    quick = tuple(dataclasses.replace(call, cycles=call.low_cycles) for call in spec.library)
    return dataclasses.replace(spec, library=quick)


@dataclass(frozen=True, slots=True)
class Lift:
    """A limit, and how the machine changes where it is lifted."""

    limit: Limit
    machine: Callable[[WaferSpec], WaferSpec]


def _lift(
    name: str,
    kind: LimitKind,
    lifted: str,
    remedy: str,
    machine: Callable[[WaferSpec], WaferSpec],
) -> Lift:
    return Lift(Limit(name, kind, lifted, remedy), machine)


LIFTS: Final = (
    _lift(
        "lanes",
        "compute",
        "any number of elements a cycle in every vector instruction",
        "16-bit formats have up to four times the lanes of float32",
        _without_lanes,
    ),
    _lift(
        "memory ports",
        "memory port",
        "any number of bytes a cycle from and to the SRAM of a PE",
        "narrower state and gradients move fewer bytes",
        _without_ports,
    ),
    _lift(
        "bank conflicts",
        "memory port",
        "two memory sources never meet in a bank group",
        "operands in different bank groups do not meet",
        _without_bank_conflicts,
    ),
    _lift(
        "launch",
        "compute",
        "a vector instruction costs nothing to issue",
        "longer strips take fewer instructions, where SRAM is free for them",
        _without_launch,
    ),
    _lift(
        "scalar arithmetic",
        "compute",
        "one cycle for any scalar instruction; functions take what they take",
        "a simpler learning-rate schedule has fewer scalar instructions",
        _without_scalars,
    ),
    _lift(
        "functions",
        "compute",
        "divisions, square roots and other functions take no time but their launch",
        "vector sequences written by hand, where the library is called for each element",
        _without_functions,
    ),
    _lift(
        "hop latency",
        "latency",
        "one cycle a hop, the least, and none for a turn",
        "none: the machine decides it",
        _without_hops,
    ),
    _lift(
        "ramp latency",
        "latency",
        "no cycles between a PE and its router",
        "fewer reductions per step pass fewer ramps",
        _without_ramps,
    ),
    _lift(
        "message stages",
        "latency",
        "no cycles to issue a send, to start the task it wakes, to end it, and to start a sum",
        "fewer reductions per step have fewer stages",
        _without_stages,
    ),
    _lift(
        "link rate and contention",
        "fabric",
        "every message is one wavelet, so no link is held longer than one cycle",
        "narrower statistics make shorter vectors",
        _without_link_rate,
    ),
    _lift(
        "ranges of costs",
        "unknown",
        "functions of the library at the low end of their ranges",
        "none: this is what the emulator does not know; measure a kernel and --set its cycles",
        _at_low_end,
    ),
)
"""All limits, from the PE outwards; the last is no limit of the machine but of what is known."""

LIMITS: Final = tuple(lift.limit for lift in LIFTS)


MOST_CHANGES: Final = 3
"""What is tried to shorten the step, at most: two precisions, sparse weights."""

EXPLAIN_STAGES: Final = len(LIMITS) + 3 + MOST_CHANGES
"""What explaining tells of: capture, the step as it is, each limit, all at once, each change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownResult:
    """A saved result whose step is explained.

    Attributes:
        source: its file, for messages.
        digest: of its step; the repeated step has to have the same.
        command: the command that made it; empty from Python.
    """

    source: str
    digest: str
    command: str = ""


def explain_inputs(
    inputs: Inputs, *, command: str = "", result: KnownResult | None = None, tell: Tell = silent
) -> Explanation:
    """Emulate the step of a question as it is, with each limit lifted, and with what may help.

    Args:
        inputs: the question, read.
        command: the command line that asks it.
        result: the saved result that the question comes from, if it comes from one.
        tell: called with the name of each of ``EXPLAIN_STAGES`` parts as it begins.

    Raises:
        ResultFileError: the repeated step has other times than the result it comes from.
        DoesNotFitError: there is no step to explain.
        InputError: weights stream, so that no step runs on the wafer.
    """
    tell("capturing the step")
    known = learn(inputs)
    tell("the step as it is")
    base = emulate(place_and_plan(known, inputs.request))
    if result is not None:
        _check_same(result, base)
    found = lift_limits(base, model=inputs.model.name, command=command, tell=tell)
    return dataclasses.replace(found, changes=tried_changes(inputs, base, tell))


def tried_changes(
    inputs: Inputs, base: EmulatedStep, tell: Tell = silent
) -> tuple[TriedChange, ...]:
    """Emulate the step again with each change that a user can ask for; most cycles saved first.

    A change with which the step cannot run on the wafer is left out.
    """
    before, cycles = Judgement(inputs=inputs, placed=base.placed), _cycles(base)
    tried = []
    for change in (*precisions(inputs.request), *sparser(inputs.request)):
        tell(f"trying {change.what}")
        try:
            changed = emulate(judge(inputs.changed(change.request), before).placed)
        except WseError:
            continue
        if changed.timing is not None:
            tried.append(
                TriedChange(
                    what=change.what,
                    arguments=change.arguments,
                    cycles=_cycles(changed),
                    saved_cycles=cycles - _cycles(changed),
                    command=typed_explain(inputs.request, change.arguments),
                )
            )
    return tuple(sorted(tried, key=lambda change: -change.saved_cycles))


def explain_again(request: Request | None, result: KnownResult, tell: Tell = silent) -> Explanation:
    """Explain the step of a saved result, from the question that it holds.

    Raises:
        ResultFileError: the question cannot be asked again, or its step has changed since.
        InputError: a file that it names cannot be read any more.
    """
    if request is None:  # a file of a version that did not write it
        made = f"by {result.command!r}" if result.command else "from Python, without a command"
        raise ResultFileError(
            f"{result.source} cannot be repeated: it was made {made}, and holds no question to "
            "ask again; run it again, or name MODEL"
        )
    if not request.repeatable:
        raise ResultFileError(
            f"{result.source} was made from Python, and its {' and '.join(request.objects)} given "
            "as an object, which no file holds; wse explain MODEL explains any step"
        )
    try:
        inputs = read_again(request)
    except InputError as error:
        made = f" It was made by: {result.command}" if result.command else ""
        raise InputError(
            f"{result.source} cannot be repeated: {error}.{made} (its files are looked up from "
            "the current folder)"
        ) from error
    return explain_inputs(inputs, command=result.command, result=result, tell=tell)


def lift_limits(
    base: EmulatedStep,
    *,
    model: str = "",
    command: str = "",
    lifts: Sequence[Lift] = LIFTS,
    tell: Tell = silent,
) -> Explanation:
    """Emulate a step again with each limit lifted in turn, and with all at once.

    Args:
        base: the step as it is.
        model: name of what is stepped.
        command: the command line that asks for it.
        lifts: which limits to lift.
        tell: called with the name of what is emulated next.

    Raises:
        DoesNotFitError: the step does not fit on the machine, so there is no time to explain.
    """
    base = with_other_form(base)
    cycles, spec = _cycles(base), base.placed.request.wafer
    effects = []
    everything = spec
    for lift in lifts:
        lifted = lift.machine(spec)
        everything = lift.machine(everything)
        tell(lift.limit.name)
        binds = lifted != spec
        found = _cycles(emulate(_placed_on(base.placed, lifted))) if binds else cycles
        saved = cycles - found
        effects.append(
            Effect(
                limit=lift.limit,
                cycles=found,
                saved_cycles=saved,
                saved_share=saved / cycles if cycles else 0.0,
                binds=binds,
            )
        )
    tell("everything at once")
    return Explanation(
        model=model,
        optimizer=base.program.optimizer,
        request=base.placed.request,
        command=command,
        cycles=cycles,
        critical=_critical(base),
        forms=function_forms(base),
        effects=tuple(sorted(effects, key=lambda effect: -effect.saved_cycles)),
        all_lifted_cycles=_cycles(emulate(_placed_on(base.placed, everything))),
    )


def _placed_on(placed: Placed, spec: WaferSpec) -> Placed:
    """The same question on another machine.

    A lift changes times alone: buffers for messages are planned with the wavelets there are.
    """
    planned = dataclasses.replace(spec, wavelet_bytes=placed.request.wafer.wavelet_bytes)
    request = dataclasses.replace(placed.request, wafer=planned)
    found = place_and_plan(on_wafer(placed.known, planned), request)
    if planned == spec or found.plan is None or found.placement is None:
        return found
    roomy = dataclasses.replace(spec, sram_bytes_per_pe=ROOMY_BYTES)
    return dataclasses.replace(
        found,
        request=dataclasses.replace(request, wafer=roomy),
        placement=dataclasses.replace(found.placement, wafer=roomy),
        plan=dataclasses.replace(found.plan, costs=on_wafer(placed.known, roomy).costs),
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


def _check_same(result: KnownResult, step: EmulatedStep) -> None:
    """See that the repeated step has the times of the result it comes from."""
    if step.timing is not None and digest(step.timing) != result.digest:
        again = f": {result.command}" if result.command else ""
        raise ResultFileError(
            f"{result.source}: its question no longer gives the times it holds (another version, "
            f"or the model or config has changed since); run it again{again}"
        )
