"""What a request needs to know before planning: the captured step, and the activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wse_emulator.capture.kinds import sparse_state_names, step_program
from wse_emulator.inputs.read import FitRequest
from wse_emulator.placement.forms import TensorForm, tensor_forms
from wse_emulator.plan.activations import ActivationProfile, activation_profile
from wse_emulator.plan.chains import ChainCosts
from wse_emulator.program import StepProgram
from wse_emulator.wafer.formats import BYTES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Facts of a request, each found once and shared by requests that differ elsewhere.

    Attributes:
        program: the captured step.
        sparse_states: names of the states that shrink with a sparse parameter.
        forms: of the parameters that are not spread element by element.
        costs: costs of the step's chains on the machine.
        profile: activations of a sample; None without a batch size.
    """

    program: StepProgram
    sparse_states: frozenset[str]
    forms: Mapping[int, TensorForm]
    costs: ChainCosts
    profile: ActivationProfile | None


def learn(request: FitRequest, before: tuple[FitRequest, Known] | None = None) -> Known:
    """What is to be known of a request.

    Args:
        request: the question.
        before: a request like it and what is known of that one: what both have in common is not
            found again.
    """
    asked, known = before or (None, None)
    same_model = asked is not None and asked.model is request.model
    if asked and known and same_model and asked.optimizer == request.optimizer:
        program, states, forms = known.program, known.sparse_states, known.forms
    else:
        program = step_program(request.model, request.optimizer)
        states = sparse_state_names(request.optimizer)
        forms = tensor_forms(program)
    if asked and known and known.program is program and asked.wafer == request.wafer:
        costs = known.costs
    else:
        costs = ChainCosts(program, request.wafer)
    profile: ActivationProfile | None = None
    if request.batch_size is not None:
        dtype = request.precision.activation_dtype
        if (
            asked
            and known
            and same_model
            and BYTES[asked.precision.activation_dtype] == BYTES[dtype]
            and (asked.sequence, asked.target) == (request.sequence, request.target)
        ):
            profile = known.profile
        if profile is None:
            profile = activation_profile(request.model, dtype, request.sequence, request.target)
    return Known(program=program, sparse_states=states, forms=forms, costs=costs, profile=profile)
