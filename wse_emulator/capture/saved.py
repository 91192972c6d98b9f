"""What one forward pass keeps for backward, by layer, found by running it on the meta device.

Autograd says itself which tensors it saves (``saved_tensors_hooks``); forward hooks say in which
layer. A storage that is saved several times counts once. Parameters and buffers do not count.

One pass tells what grows with the batch: it runs with a large prime number of samples, and a
storage whose bytes that prime divides belongs to the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from wse_emulator.models.names import layer_of

PROBE_BATCH: Final = 1009
"""Samples of the measuring pass: a prime that no size of a model is a multiple of."""


@dataclass(slots=True)
class StageBytes:
    """One stage: a numbered layer, or a module outside of them. Bytes are those of one sample.

    Attributes:
        name: qualified name of the layer or module.
        numbered: whether it is a numbered layer.
        saved: storages first saved here.
        shared: storages saved here that an earlier stage has saved already: a machine whose
            layers lie on different PEs keeps them twice.
        entering: what comes in from outside and is new to the stages so far.
        shared_entering: what comes in and has entered an earlier stage too.
        fixed: saved bytes that do not grow with the batch (positions, masks).
    """

    name: str
    numbered: bool
    saved: int = 0
    shared: int = 0
    entering: int = 0
    shared_entering: int = 0
    fixed: int = 0


@dataclass(slots=True)
class _Recorder:
    """Watches one forward pass."""

    skip: set[int]
    batch: int
    stages: dict[tuple[str, int], StageBytes] = field(default_factory=dict)
    layers: int = 0
    path: list[str] = field(default_factory=list)
    saved_in: dict[int, set[int]] = field(default_factory=dict)
    entered_in: dict[int, set[int]] = field(default_factory=dict)
    layer_outputs: set[int] = field(default_factory=set)
    given: set[int] = field(default_factory=set)
    alive: list[object] = field(default_factory=list)
    ran: set[str] = field(default_factory=set)

    def stage(self) -> StageBytes:
        """The stage that is running: the numbered layer, else the innermost module.

        A module that runs before and after numbered layers (the whole model, whose last act is
        the loss) is one stage for each.
        """
        innermost = self.path[-1] if self.path else ""
        layer = layer_of(f"{innermost}.parameter")
        key = (layer, 0) if layer else (innermost, self.layers)
        if key not in self.stages:
            self.layers += layer is not None
            self.stages[key] = StageBytes(layer or innermost, layer is not None)
        return self.stages[key]

    def save(self, tensor: Tensor) -> Tensor:
        """A tensor that autograd keeps."""
        key = _storage(tensor)
        if key in self.skip:
            return tensor
        stage = self.stage()
        holders = self.saved_in.setdefault(key, set())
        if id(stage) not in holders:
            sample, fixed = self.split(tensor)
            if holders:
                stage.shared += sample
            else:
                stage.saved += sample
                stage.fixed += fixed
            holders.add(id(stage))
        return tensor

    def split(self, tensor: Tensor) -> tuple[int, int]:
        """(bytes a sample, bytes that do not grow with the batch) of a tensor's storage."""
        size = int(tensor.untyped_storage().nbytes())
        sample, rest = divmod(size, self.batch)
        return (0, size) if rest else (sample, 0)

    def enter(self, name: str, inputs: tuple[object, ...], *, leaf: bool) -> None:
        """A module starts: note what comes into its stage from others.

        For a numbered layer that is what comes into the whole layer; elsewhere containers only
        pass on what their parts take.
        """
        self.path.append(name)
        self.ran.add(name)
        layer = layer_of(f"{name}.parameter")
        if layer != name if layer is not None else not leaf:
            return
        stage = self.stage()
        for tensor in _tensors(inputs):
            key = _storage(tensor)
            outside = stage.numbered or key in self.layer_outputs or key in self.given
            if key in self.skip or not outside:
                continue
            self.alive.append(tensor)
            entered = self.entered_in.setdefault(key, set())
            if id(stage) not in entered:
                sample, _ = self.split(tensor)
                if entered:
                    stage.shared_entering += sample
                else:
                    stage.entering += sample
                entered.add(id(stage))

    def leave(self, output: object) -> None:
        """A module ends: note what a numbered layer hands on."""
        if self.path and layer_of(f"{self.path[-1]}.parameter") == self.path[-1]:
            for tensor in _tensors(output):
                self.alive.append(tensor)
                self.layer_outputs.add(_storage(tensor))
        self.path.pop()


def saved_for_backward(
    module: nn.Module,
    arguments: tuple[object, ...],
    keywords: Mapping[str, object],
    batch: int = PROBE_BATCH,
    ran: set[str] | None = None,
) -> tuple[StageBytes, ...]:
    """Run ``module`` forward in training mode and return its stages in order of execution.

    Args:
        module: on the meta device; its parameters are not changed.
        arguments, keywords: what forward takes.
        batch: samples in them.
        ran: is filled with the names of the modules that run.
    """
    skip = {_storage(t) for t in (*module.parameters(), *module.buffers())}
    recorder = _Recorder(skip, batch, ran=set() if ran is None else ran)
    recorder.given = {_storage(t) for t in _tensors((*arguments, *keywords.values()))}
    hooks = []
    for name, part in module.named_modules():
        hooks.append(
            part.register_forward_pre_hook(
                lambda part, inputs, given, name=name: recorder.enter(
                    name, (*inputs, *given.values()), leaf=next(part.children(), None) is None
                ),
                with_kwargs=True,
            )
        )
        hooks.append(
            part.register_forward_hook(
                lambda _part, _inputs, output: recorder.leave(output), always_call=True
            )
        )
    training = module.training
    module.train()
    try:
        with torch.enable_grad(), saved_tensors_hooks(recorder.save, lambda tensor: tensor):
            # held until the bytes are read: a storage freed early could lend its address
            recorder.alive.append(module(*arguments, **keywords))
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()
    return tuple(stage for stage in recorder.stages.values() if stage != _empty(stage))


def _empty(stage: StageBytes) -> StageBytes:
    return StageBytes(stage.name, numbered=False)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _tensors(values: object) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
