"""Muon as it is used on whole models: matrices by Muon, biases, norms and scalars by AdamW."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch

from optimizers import AdamW, Muon

if TYPE_CHECKING:
    from optimizers.rule import StateTensor
    from optimizers.validation import Group


class MuonWithAdamW(Muon):
    """Muon for parameters of two and more dimensions, AdamW for the others.

    The rule of Muon is one of matrices, and its author gives the rest of a model to AdamW (see the
    source in :class:`optimizers.Muon`). Both share the learning rate and the weight decay; betas
    and eps are AdamW's own defaults. The arguments are Muon's.

    Raises:
        ArgumentError: a value outside its range.
    """

    @cached_property
    def _vectors(self) -> AdamW:
        """An optimizer of nothing: its rule and its defaults."""
        return AdamW([torch.nn.Parameter(torch.empty(0))])

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Raise `ArgumentError` for a value outside its range."""
        matrices = [p for p in group.get("params", ()) if p.dim() > 1]
        super().check_hyperparameters(owner, {**group, "params": matrices})

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """A momentum buffer for a matrix, two means and their powers for the rest."""
        if p.dim() > 1:
            return super().state_layout(p, group)
        return self._vectors.state_layout(p, self._as_adamw(group))

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the parameter's own rule."""
        if p.dim() > 1:
            super().update(p, grad, state, group)
        else:
            self._vectors.update(p, grad, state, self._as_adamw(group))

    def _as_adamw(self, group: Group) -> Group:
        shared = {name: group[name] for name in ("lr", "weight_decay")}
        return {**self._vectors.param_groups[0], **shared}
