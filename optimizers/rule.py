"""Optimizers given by two things: the state of one parameter, and its update."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from optimizers.base import Closure, Loss, Optimizer, closure_loss, keep_where
from optimizers.errors import SparseGradientError
from optimizers.validation import Group

if TYPE_CHECKING:
    from optimizers.validation import Rate


@dataclass(frozen=True, slots=True)
class StateTensor:
    """A state tensor as it is at construction.

    `shape` and `dtype` may differ from the parameter's; `fill` is the value of every element.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    fill: float = 0.0

    def allocate(self, p: torch.Tensor) -> torch.Tensor:
        """A new tensor on p's device; laid out in memory like p if it has p's shape."""
        if self.shape == tuple(p.shape):
            return torch.full_like(
                p, self.fill, dtype=self.dtype, memory_format=torch.preserve_format
            ).detach()
        return torch.full(self.shape, self.fill, dtype=self.dtype, device=p.device)


def like(p: torch.Tensor, fill: float = 0.0) -> StateTensor:
    """State of the parameter's shape and dtype."""
    return StateTensor(tuple(p.shape), p.dtype, fill)


def scalar(fill: float) -> StateTensor:
    """A 0-dim float32 state, whatever the parameter's dtype: it must not lose precision to it."""
    return StateTensor((), torch.float32, fill)


class UpdateRule(Optimizer):
    """An optimizer that treats its parameters one after the other, each by the same rule.

    A subclass defines `state_layout` and `update`; this class allocates the one and loops over the
    other. The loop is in program order, in place and without a branch on a tensor's value, so a
    trace of it is one short static list of tensor operations a parameter.
    """

    _kept_where: torch.Tensor | None = None  # set for the length of one step_where

    @abstractmethod
    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """The state of `p` at construction, by name; the global step is not part of it."""

    @abstractmethod
    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """Update `p` and its `state` in place by one step; `grad` is read and never written."""

    def preinitialize(self) -> None:
        """Allocate the state of every parameter, so that a step creates none."""
        for group in self.param_groups:
            for p in group["params"]:
                for name, tensor in self.state_layout(p, group).items():
                    self.state[p][name] = tensor.allocate(p)

    def fresh_state(self, p: torch.Tensor, group: Group) -> dict[str, torch.Tensor]:
        """The state of `p` at construction, the global step included, as new tensors."""
        fresh = {name: t.allocate(p) for name, t in self.state_layout(p, group).items()}
        if self.enable_global_step:
            fresh["step"] = torch.zeros((), dtype=torch.float32, device=p.device)
        return fresh

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:  # noqa: ARG002  # the interface
        """Leave aside torch's step counter, for a rule that keeps no count."""
        if not self.enable_global_step:
            saved.pop("step", None)
        return saved

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Loss | None:  # type: ignore[override]  # as in Optimizer.step
        """Perform one optimization step; a parameter without a gradient is left out entirely.

        Args:
            closure: reevaluates the model and returns the loss; runs with gradients enabled.

        Returns:
            The closure's loss, or None without a closure.

        Raises:
            SparseGradientError: a gradient is sparse.
            StaticStateError: the state was tampered with.
        """
        loss = closure_loss(closure)
        for group in self.param_groups:
            for p in group["params"]:
                grad = p.grad
                if grad is None:
                    continue
                if grad.layout != torch.strided:
                    raise SparseGradientError(
                        f"{type(self).__name__} does not support sparse gradients; "
                        "use dense ones (for an embedding: sparse=False)"
                    )
                if self._kept_where is None:
                    self.update(p, grad, self.state[p], group)
                else:
                    self._update_where(self._kept_where, p, grad, group)
        return loss

    def step_where(self, condition: torch.Tensor, closure: Closure | None = None) -> Loss | None:
        """`step()`, kept where a 0-dim bool tensor is true, with copies of one parameter at a time.

        Args:
            condition: 0-dim bool tensor.
            closure: as for `step`.
        """
        self._kept_where = condition
        try:
            return self.step(closure)
        finally:
            self._kept_where = None

    def _update_where(
        self, condition: torch.Tensor, p: torch.Tensor, grad: torch.Tensor, group: Group
    ) -> None:
        state = self.state[p]
        keep_where(condition, self._with_state([p]), lambda: self.update(p, grad, state, group))


def decayed_gradient(
    p: torch.Tensor, grad: torch.Tensor, weight_decay: float, *, maximize: bool = False
) -> torch.Tensor:
    """g, or −g to maximize, plus weight_decay·p: the gradient of the L2-penalised objective.

    Returns `grad` itself when there is nothing to change, else one new tensor.
    """
    if maximize:
        negated = grad.neg()
        return negated.add_(p, alpha=weight_decay) if weight_decay != 0 else negated
    return grad.add(p, alpha=weight_decay) if weight_decay != 0 else grad


def descend_(p: torch.Tensor, direction: torch.Tensor, rate: Rate) -> None:
    """p ← p − rate·direction, one operation for a float and for a 0-dim tensor alike."""
    if isinstance(rate, torch.Tensor):
        p.addcmul_(direction, rate, value=-1)
    else:
        p.add_(direction, alpha=-rate)


def descend_by_quotient_(
    p: torch.Tensor, numerator: torch.Tensor, denominator: torch.Tensor, rate: Rate
) -> None:
    """p ← p − rate·numerator/denominator; `denominator` is a temporary and may be overwritten.

    One operation for a float; a 0-dim rate needs two, since `addcdiv_` takes numbers only.
    """
    if isinstance(rate, torch.Tensor):
        torch.div(numerator, denominator, out=denominator)
        descend_(p, denominator, rate)
    else:
        p.addcdiv_(numerator, denominator, value=-rate)


def shrink_(p: torch.Tensor, rate: Rate, weight_decay: float) -> None:
    """p ← p − rate·weight_decay·p: decoupled weight decay; no operation when it is 0.

    Not p·(1 − rate·weight_decay): that factor, rounded to float32, is off by the same 3e-8 in
    every step, which at a usual 1e-6 is 3 % of the decay.
    """
    if weight_decay != 0:
        descend_(p, p, rate * weight_decay)


def one_minus_power(beta: float, step: torch.Tensor) -> torch.Tensor:
    """1 − β^t, 0-dim float32, accurate also where β^t is close to 1.

    With β = 0.999 and t = 5 the difference 1 − pow(β, t) loses four digits in float32.
    """
    if beta == 0:
        return torch.ones_like(step)
    return torch.expm1(step * math.log(beta)).neg_()
