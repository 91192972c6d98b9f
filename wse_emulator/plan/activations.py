"""The activation profile of a model: bytes a sample of every layer, assigned to its rectangle."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn

from wse_emulator.capture.saved import PROBE_BATCH, StageBytes, saved_for_backward
from wse_emulator.capture.stacks_of_blocks import shortened, stretched
from wse_emulator.errors import InputError, WseError
from wse_emulator.models.family import Example
from wse_emulator.models.load import module_of_model
from wse_emulator.models.names import layer_of, module_of
from wse_emulator.models.shapes import ModelShapes
from wse_emulator.placement.layers import group_layers
from wse_emulator.plan.assumed_values import AssumedValues

COMPUTE_DTYPES: Final = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "cbfloat16": torch.bfloat16,  # the same two bytes
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerActivations:
    """Activations of one pipeline stage, in bytes of one sample.

    Attributes:
        layer: name of the layer whose rectangle holds them.
        numbered: a numbered layer.
        saved, shared, entering, shared_entering, fixed: as in ``StageBytes``.
    """

    layer: str
    numbered: bool
    saved: int
    shared: int
    entering: int
    shared_entering: int
    fixed: int

    @property
    def kept(self) -> int:
        """Bytes a sample if nothing is recomputed and no storage is shared with other layers."""
        return self.saved + self.shared


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationProfile:
    """What one sample keeps, stage by stage in the order of forward.

    Attributes:
        sequence: tokens a sample; None for models without sequences.
        positions: tokens that the model has positions for; None where it names no number.
        missing: parts that did not run, since no input for them could be made; what they keep is
            not known.
        stages: the pipeline.
    """

    sequence: int | None
    positions: int | None = None
    missing: tuple[str, ...] = ()
    stages: tuple[LayerActivations, ...]

    @property
    def saved_per_sample(self) -> int:
        """Bytes of all saved storages of a sample, each once."""
        return sum(stage.saved for stage in self.stages)


def activation_profile(
    model: ModelShapes, dtype: str, sequence: int | None = None, target: int | None = None
) -> ActivationProfile:
    """Run the model's forward on the meta device and see what it keeps.

    Of a built-in transformer, whose blocks are known to be equal, three a stack are run.

    Args:
        model: the shapes, with a way to build the layers.
        dtype: compute dtype, of weights and activations.
        sequence: tokens a sample; default: the model's own length.
        target: tokens of the target of an encoder-decoder; default: the same.

    Raises:
        InputError: the layers or their inputs are not known, or forward does not run.
    """
    from wse_emulator.models.examples import examples_for  # noqa: PLC0415 - loads the layers of models

    whole = module_of_model(model)
    short = shortened(whole) if model.build is None else None
    module = (short or whole).to(COMPUTE_DTYPES[dtype])
    failed: Exception | None = None
    try:
        for example in examples_for(module, PROBE_BATCH, sequence, target):
            try:
                ran: set[str] = set()
                stages: Sequence[StageBytes] = _saved(module, example, dtype, ran)
            except Exception as error:
                failed = failed or error
                continue
            break
        else:
            raise failed or InputError("there are no inputs to run it with")
    except WseError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:
        raise InputError(
            f"{model.name}: forward does not run on the meta device: "
            f"{type(error).__name__}: {error}"
        ) from error
    if short is not None:
        stages = stretched(stages, whole)
    return ActivationProfile(
        sequence=example.sequence,
        positions=example.positions,
        missing=parts_that_did_not_run(module, ran),
        stages=assign_layers(_merged(stages), model),
    )


def _saved(
    module: nn.Module, example: Example, dtype: str, ran: set[str]
) -> tuple[StageBytes, ...]:
    arguments = tuple(_in_dtype(value, dtype) for value in example.arguments)
    keywords = {name: _in_dtype(value, dtype) for name, value in example.keywords.items()}
    try:
        return saved_for_backward(module, arguments, keywords, ran=ran)
    except RuntimeError as error:
        if "meta tensors" not in str(error) or not hasattr(module, "main_input_name"):
            raise
    ran.clear()
    with AssumedValues():
        return saved_for_backward(module, arguments, keywords, ran=ran)


def parts_that_did_not_run(module: nn.Module, ran: Set[str]) -> tuple[str, ...]:
    """The outermost parts of a module of which nothing ran, by name.

    A single layer that did not run is none of them: its weight may be used by the module around
    it, as ``nn.MultiheadAttention`` does with its output layer.
    """
    alive = set(ran)
    for name in ran:
        parts = name.split(".")
        alive.update(".".join(parts[:count]) for count in range(len(parts)))
    found: list[str] = []
    for name, part in module.named_modules():
        if name in alive or any(name.startswith(f"{other}.") for other in found):
            continue
        if sum(1 for inner in part.modules() if inner._parameters) > 1:
            found.append(name)
    return tuple(found)


def _in_dtype(value: object, dtype: str) -> object:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.to(COMPUTE_DTYPES[dtype])
    return value


def _merged(stages: Sequence[StageBytes]) -> list[StageBytes]:
    """Unnumbered stages between numbered ones become one; what is computed early or late in the
    pipeline stays where it first ran."""
    merged: list[StageBytes] = []
    for stage in stages:
        if merged and not stage.numbered and not merged[-1].numbered:
            last = merged[-1]
            merged[-1] = replace(
                last,
                name=last.name or stage.name,
                saved=last.saved + stage.saved,
                shared=last.shared + stage.shared,
                entering=last.entering + stage.entering,
                shared_entering=last.shared_entering + stage.shared_entering,
                fixed=last.fixed + stage.fixed,
            )
        else:
            merged.append(replace(stage))
    return merged


def assign_layers(stages: Sequence[StageBytes], model: ModelShapes) -> tuple[LayerActivations, ...]:
    """Give every stage the layer whose rectangle holds it.

    Numbered stages and numbered layers correspond by name, else in order (a built-in model whose
    layers are named otherwise). A stage outside them goes to the layer of its own parameters; one
    after all layers goes to the embedding if the output weights are tied to it, else to the last.
    """
    names = [parameter.name for parameter in model.parameters]
    groups = group_layers(names, [0.0] * len(names))
    group_of = {names[i]: group.members[0] for group in groups for i in group.tensors}
    numbered = [group.members[0] for group in groups if group.indexed]
    stage_names = [stage.name for stage in stages if stage.numbered]
    # a numbered stage without parameters (a Flatten, a Dropout) is no layer of the placement
    same_names = bool(set(stage_names) & set(numbered))
    first, last = groups[0].members[0], groups[-1].members[0]
    tail = first if model.tied else last
    assigned = []
    seen, before = 0, ""
    for stage in stages:
        if stage.numbered:
            place = min(seen * len(numbered) // len(stage_names), len(numbered) - 1)
            layer = numbered[place] if numbered else last
            if same_names:
                layer = stage.name if stage.name in numbered else (before or first)
            seen += 1
        else:
            own = next((group_of[n] for n in names if _belongs(n, stage.name)), None)
            layer = own or (first if seen == 0 else tail if seen == len(stage_names) else last)
        before = layer
        assigned.append(
            LayerActivations(
                layer=layer,
                numbered=stage.numbered,
                saved=stage.saved,
                shared=stage.shared,
                entering=stage.entering,
                shared_entering=stage.shared_entering,
                fixed=stage.fixed,
            )
        )
    return tuple(assigned)


def _belongs(parameter: str, stage: str) -> bool:
    return bool(stage) and layer_of(parameter) is None and module_of(parameter) == stage
