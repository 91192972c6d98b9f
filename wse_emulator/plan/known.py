"""What is known of a request before anything is placed: its captured step, and its activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from optimizers import Optimizer
from wse_emulator.capture.built import Built, build, capture
from wse_emulator.inputs.mask_file import Masks
from wse_emulator.inputs.read import Inputs
from wse_emulator.placement.forms import TensorForm, tensor_forms
from wse_emulator.plan.activations import ActivationProfile, activation_profile
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.plan.precision import in_precision
from wse_emulator.plan.sparse import Sparsity, sparsity_of
from wse_emulator.program import StepProgram, ValueKind
from wse_emulator.request import Request
from wse_emulator.wafer.formats import BYTES
from wse_emulator.wafer.spec import WaferSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Captured:
    """A captured step, and the live objects it came from; None for one captured elsewhere."""

    program: StepProgram
    built: Built | None = None

    @property
    def sparse_states(self) -> frozenset[str]:
        """Names of the states that shrink with a sparse parameter, as the optimizer says.

        Of an optimizer that does not say, all that have the shape of their parameter.
        """
        optimizer = self.built.optimizer if self.built else None
        if optimizer is None:
            return frozenset()
        if isinstance(optimizer, Optimizer):
            return frozenset(optimizer.state_names_to_sparsify())
        parameters = self.program.parameters
        return frozenset(
            value.name.removeprefix(f"{parameters[value.parameter].name}.")
            for value in self.program.values
            if value.kind is ValueKind.STATE
            and value.parameter is not None
            and value.shape == parameters[value.parameter].shape
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What capture found out about a request; requests that differ only in other fields share it.

    Attributes:
        captured: the step in the dtypes of the model's parameters.
        program: the step in the dtypes that are asked for.
        sparsity: which elements are kept.
        forms: of the parameters that are not spread element by element.
        costs: costs of the step's chains on the machine.
        profile: activations of a sample; None without a batch size.
    """

    captured: Captured
    program: StepProgram
    sparsity: Sparsity
    forms: Mapping[int, TensorForm] = field(repr=False)
    costs: ChainCosts = field(repr=False)
    profile: ActivationProfile | None = None


def capture_inputs(inputs: Inputs) -> Captured:
    """Build and capture the step of a request.

    Raises:
        InputError: a name or number that cannot be used.
        StaticRuleError: the optimizer breaks a static-state rule.
    """
    built = build(inputs.request, inputs.model, own=inputs.own_optimizer)
    return Captured(program=capture(built), built=built)


def learn(inputs: Inputs, before: tuple[Inputs, Known] | None = None) -> Known:
    """What is to be known of a request.

    Args:
        inputs: the question.
        before: a question like it and what is known of that one: what both have in common is not
            found again.

    Raises:
        WseError: a name or number that cannot be used, or an optimizer that breaks a rule.
    """
    request = inputs.request
    if before is not None and _same_step(inputs, before[0]):
        captured = before[1].captured
    else:
        captured = capture_inputs(inputs)
    known = know(captured, request, inputs.masks, before)
    return with_activations(known, inputs, before)


def know(
    captured: Captured,
    request: Request,
    masks: Masks | None = None,
    before: tuple[Inputs, Known] | None = None,
) -> Known:
    """What is known of a captured step under a request, without activations."""
    asked, known = before or (None, None)
    if (
        asked
        and known
        and known.captured is captured
        and asked.request.precision == (request.precision)
    ):
        program, forms = known.program, known.forms
    else:
        program = in_precision(captured.program, request.precision)
        forms = tensor_forms(program)
    sparsity = sparsity_of(request, program, masks or {}, captured.sparse_states)
    if (
        asked
        and known
        and known.program is program
        and asked.request.wafer == request.wafer
        and set(known.sparsity.kept) == set(sparsity.kept)
    ):
        costs = known.costs
    else:
        costs = ChainCosts(program, request.wafer, sparse=frozenset(sparsity.kept))
    return Known(captured=captured, program=program, sparsity=sparsity, forms=forms, costs=costs)


def with_activations(
    known: Known, inputs: Inputs, before: tuple[Inputs, Known] | None = None
) -> Known:
    """The same with the activations of a sample, if the request has a batch.

    Raises:
        InputError: the layers or their inputs are not known, or forward does not run.
    """
    request = inputs.request
    if request.batch_size is None:
        return known
    dtype = request.precision.activation_dtype
    profile = None
    if before is not None:
        asked = before[0].request
        if (
            before[0].model is inputs.model
            and BYTES[asked.precision.activation_dtype] == BYTES[dtype]
            and (asked.sequence, asked.target) == (request.sequence, request.target)
        ):
            profile = before[1].profile
    if profile is None:
        profile = activation_profile(inputs.model, dtype, request.sequence, request.target)
    return replace(known, profile=profile)


def on_wafer(known: Known, spec: WaferSpec) -> Known:
    """The same on another machine, whose costs differ."""
    costs = ChainCosts(known.program, spec, sparse=frozenset(known.sparsity.kept))
    return replace(known, costs=costs)


def known_of(program: StepProgram, spec: WaferSpec) -> Known:
    """What is known of a program that was captured elsewhere, as it is."""
    return know(Captured(program=program), Request(wafer=spec))


def _same_step(inputs: Inputs, other: Inputs) -> bool:
    """Whether two questions have one captured step."""
    a, b = inputs.request, other.request
    same = inputs.model is other.model and inputs.own_optimizer is other.own_optimizer
    return same and (
        (a.optimizer, a.schedules, a.max_grad_norm, a.loss_scaling)
        == (b.optimizer, b.schedules, b.max_grad_norm, b.loss_scaling)
    )
