"""Adam and AdamW, and the base that both are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from optimizers.rule import (
    StateTensor,
    UpdateRule,
    decayed_gradient,
    descend_by_quotient_,
    like,
    scalar,
    shrink_,
)
from optimizers.validation import at_least_zero, betas, checks, flag, rate

if TYPE_CHECKING:
    from optimizers.validation import Group, Params, Rate


class AdamBase(UpdateRule):
    """The rule of Adam with both kinds of weight decay, from which Adam and AdamW derive.

    With g the gradient, η the rate, (β1, β2) `betas`, B1 and B2 the running powers β1^t and β2^t::

        g ← g + l2_regularization_rate · p
        m ← β1·m + (1 − β1)·g
        v ← β2·v + (1 − β2)·g²          and  v̂ ← max(v̂, v)  if amsgrad, else v̂ = v
        u = m / (√v̂ + eps)
        u ← u · √(1 − B2) / (1 − B1)    if correct_bias;  then B1 ← B1·β1, B2 ← B2·β2
        p ← p − η·(u + weight_decay · p)

    The powers hold the value for the step to come, so no step counter and no power function is
    needed. The decay, p ← p − η·weight_decay·p, is computed first, which is the same sum.

    ===============  =======  =======  ============================
    state            shape    dtype    initial
    ===============  =======  =======  ============================
    exp_avg          like p   like p   0
    exp_avg_sq       like p   like p   0
    max_exp_avg_sq   like p   like p   0, only with amsgrad
    beta1_power      ()       float32  β1, only with correct_bias
    beta2_power      ()       float32  β2, only with correct_bias
    ===============  =======  =======  ============================

    Differs from `torch.optim.Adam` and `AdamW`: eps is added to √v before the bias correction, not
    after it, so torch's effective eps at step t is eps/√(1 − β2^t) of this one. With parameters of
    16 bits a small eps (1e-8 in float16) rounds to 0: choose one the type can hold.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: decoupled decay of at least 0, multiplied by the rate.
        l2_regularization_rate: L2 strength of at least 0, added to the gradient.
        correct_bias: correct the means for their start at zero.
        amsgrad: divide by the largest second moment seen so far.

    Raises:
        ArgumentError: a value outside its range.

    Source: Kingma and Ba, arXiv:1412.6980; Loshchilov and Hutter, arXiv:1711.05101; Reddi et al.,
    arXiv:1904.09237 (amsgrad); signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.AdamBase([p], lr=0.01, l2_regularization_rate=0.5)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9900, -2.0100])
    """

    ranges = checks(
        lr=rate,
        betas=betas,
        eps=at_least_zero,
        weight_decay=at_least_zero,
        l2_regularization_rate=at_least_zero,
        correct_bias=flag,
        amsgrad=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        l2_regularization_rate: float = 0.0,
        correct_bias: bool = True,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "l2_regularization_rate": l2_regularization_rate,
                "correct_bias": correct_bias,
                "amsgrad": amsgrad,
            },
        )

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:
        """Two running means, their maximum if amsgrad, two powers if the bias is corrected."""
        layout = {"exp_avg": like(p), "exp_avg_sq": like(p)}
        if group["amsgrad"]:
            layout["max_exp_avg_sq"] = like(p)
        if group["correct_bias"]:
            beta1, beta2 = group["betas"]
            layout |= {"beta1_power": scalar(beta1), "beta2_power": scalar(beta2)}
        return layout

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        beta1, beta2 = group["betas"]
        rate: Rate = group["lr"]
        l2, decoupled = self._decay(group)
        grad = decayed_gradient(p, grad, l2)
        exp_avg, second = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        second.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        del grad  # frees the L2 sum before the next temporary is made
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            second = torch.maximum(largest, second, out=largest)
        shrink_(p, rate, decoupled)
        if group["correct_bias"]:
            power1, power2 = state["beta1_power"], state["beta2_power"]
            rate = torch.rsub(power2, 1).sqrt_().div_(torch.rsub(power1, 1)).mul_(rate)
            power1.mul_(beta1)
            power2.mul_(beta2)
        descend_by_quotient_(p, exp_avg, second.sqrt().add_(group["eps"]), rate)

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:
        """Turn the step counter of torch or Hugging Face into powers for the step to come."""
        if "step" not in saved or "beta1_power" in saved:
            return saved
        steps_done = float(saved.pop("step"))
        if group["correct_bias"]:
            beta1, beta2 = group["betas"]
            saved |= {
                "beta1_power": beta1 ** (steps_done + 1),
                "beta2_power": beta2 ** (steps_done + 1),
            }
        return saved

    def _decay(self, group: Group) -> tuple[float, float]:
        """L2 strength and decoupled decay of a group."""
        return group["l2_regularization_rate"], group["weight_decay"]


class Adam(AdamBase):
    """Adam with L2 regularization: `weight_decay` · p is added to the gradient.

    The rule and the states are those of `AdamBase`, always with bias correction::

        g ← g + weight_decay · p
        p ← p − η · √(1 − B2)/(1 − B1) · m/(√v̂ + eps)

    A group's own `weight_decay` overrides the constructor's. The group key
    `l2_regularization_rate`, in which checkpoints of the reference package keep the same strength,
    is 0 here and moves into `weight_decay` on loading.

    Differs from `torch.optim.Adam`: eps stands before the bias correction (see `AdamBase`) and
    defaults to 1e-6; there is no `maximize`.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: L2 strength of at least 0.
        amsgrad: divide by the largest second moment seen so far.

    Raises:
        ArgumentError: a value outside its range.

    Source: Kingma and Ba, arXiv:1412.6980; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.Adam([p], lr=0.01)
        >>> optimizer.step()
        >>> p.data  # the first step is as long as the rate, whatever the gradient
        tensor([ 0.9900, -2.0100])
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict of this class, of the reference package, or of `torch.optim.Adam`.

        torch's step counter t becomes the powers β^(t+1) for the step to come.

        Args:
            state_dict: as returned by `state_dict()`; it is not modified.

        Raises:
            StateDictError: the dict does not fit; nothing of it was loaded.
        """
        super().load_state_dict(state_dict)

    def adopt_saved_group(self, saved: Group) -> Group:
        """Take the L2 strength from whichever key holds it."""
        strength = saved.get("l2_regularization_rate") or saved.get("weight_decay", 0.0)
        return {
            **saved,
            "weight_decay": strength,
            "l2_regularization_rate": 0.0,
            "correct_bias": True,
        }

    def _decay(self, group: Group) -> tuple[float, float]:
        return group["weight_decay"] + group["l2_regularization_rate"], 0.0


class AdamW(AdamBase):
    """Adam with decoupled weight decay.

    The rule and the states are those of `AdamBase` without L2::

        p ← p − η · ( √(1 − B2)/(1 − B1) · m/(√v̂ + eps) + weight_decay · p )

    Differs from `torch.optim.AdamW`: eps stands before the bias correction (see `AdamBase`) and
    defaults to 1e-6, `weight_decay` defaults to 0, the bias correction can be switched off, and
    there is no `maximize`. Hugging Face's AdamW decays after the update instead of with it.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        betas: decay rates of the two running means, each in [0, 1).
        eps: at least 0.
        weight_decay: decoupled decay of at least 0, multiplied by the rate.
        correct_bias: correct the means for their start at zero.
        amsgrad: divide by the largest second moment seen so far.

    Raises:
        ArgumentError: a value outside its range.

    Source: Loshchilov and Hutter, arXiv:1711.05101; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> optimizer = optimizers.AdamW([p], lr=0.01, weight_decay=0.1)
        >>> optimizer.step()
        >>> p.data
        tensor([ 0.9890, -2.0080])
        >>> sorted(optimizer.state[p])  # all of it exists before the first step
        ['beta1_power', 'beta2_power', 'exp_avg', 'exp_avg_sq']
    """

    decouples_weight_decay = True

    def __init__(
        self,
        params: Params,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        correct_bias: bool = True,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            correct_bias=correct_bias,
            amsgrad=amsgrad,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state dict of this class, of `torch.optim.AdamW`, or of Hugging Face's AdamW.

        A step counter t becomes the powers β^(t+1) for the step to come, if the bias is corrected;
        a dict that does not say (torch's) is taken to correct it.

        Args:
            state_dict: as returned by `state_dict()`; it is not modified.

        Raises:
            StateDictError: the dict does not fit; nothing of it was loaded.
        """
        super().load_state_dict(state_dict)

    def adopt_saved_group(self, saved: Group) -> Group:
        """Correct the bias unless the saved group says otherwise; there is no L2."""
        return {"correct_bias": True, **saved, "l2_regularization_rate": 0.0}
