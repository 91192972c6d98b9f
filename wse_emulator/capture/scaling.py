"""What a step does to gradients before it uses them: unscaling, overflow check, clipping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch

from optimizers import DynamicLossScale, Optimizer, clip_grad_norm_static
from optimizers.base import keep_where
from wse_emulator.capture.storages import StorageTable, tensors_within
from wse_emulator.capture.tracer import StepTracer
from wse_emulator.errors import InputError
from wse_emulator.program import ValueKind


@dataclass(frozen=True, slots=True)
class GradientScaling:
    """Clipping and dynamic loss scaling, as parts of the captured step.

    Attributes:
        max_norm: clip by the global norm to at most this; None for no clipping.
        loss_scale: divides the gradients by its scale, sets the step aside on overflow, and
            chooses its next value; None for no loss scaling.
    """

    max_norm: float | None = None
    loss_scale: DynamicLossScale | None = None

    def __post_init__(self) -> None:
        if self.max_norm is not None and not (math.isfinite(self.max_norm) and self.max_norm > 0):
            raise InputError(
                f"--max-grad-norm: a norm is a finite number above 0, got {self.max_norm}"
            )

    def declare(self, table: StorageTable, optimizer: torch.optim.Optimizer) -> None:
        """Declare the tensors of the loss scale, which live on the controller."""
        if self.loss_scale is not None:
            for path, tensor in tensors_within(self.loss_scale, skip=optimizer):
                table.declare(tensor, f"loss scale.{path}", ValueKind.SCHEDULE, None)

    def step(self, optimizer: torch.optim.Optimizer, tracer: StepTracer) -> None:
        """One step of the optimizer with what is asked for around it."""
        tracer.scaling_gradients = True
        scale = self.loss_scale
        if scale is not None:
            scale.unscale_(optimizer)
        if self.max_norm is not None:
            clip_grad_norm_static(optimizer, self.max_norm)
        tracer.scaling_gradients = False
        if scale is None:
            optimizer.step()
            return
        if isinstance(optimizer, Optimizer):
            scale.step(optimizer)
        else:
            with torch.no_grad():
                keep_where(scale.finite, _written_by(optimizer), optimizer.step)
        scale.update()


def _written_by(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Parameters and state tensors."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state = [entry for p in parameters for entry in optimizer.state.get(p, {}).values()]
    return parameters + [entry for entry in state if isinstance(entry, torch.Tensor)]


AS_THEY_ARE: Final = GradientScaling()
"""Gradients are used as backward left them."""
