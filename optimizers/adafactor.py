"""Adafactor: second moments of a matrix kept as a row and a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from optimizers.errors import ArgumentError
from optimizers.rule import StateTensor, UpdateRule, descend_, like, shrink_
from optimizers.validation import at_least_zero, checks, finite_number, flag, pair_of, rate

if TYPE_CHECKING:
    from optimizers.validation import Group, Params, Rate


class Adafactor(UpdateRule):
    """Adafactor: the second moment of a matrix as the product of a row and a column.

    With g the gradient, η the rate, t the step, RMS over the whole tensor, (ε1, ε2) `eps`, leading
    dimensions of a tensor of more than two taken as a batch of matrices::

        a = η·max(RMS(p), ε2)  if scale_parameter, else η
        b = 1 − t^decay_rate;  s = g² + ε1
        R ← b·R + (1 − b)·mean(s, −1);   C ← b·C + (1 − b)·mean(s, −2)
        u = g / √( R/mean(R, −1) · C )                  for two dimensions and more
        V ← b·V + (1 − b)·s;   u = g/√V                 for fewer
        u ← a · u / max(1, RMS(u))
        p ← p·(1 − weight_decay·a) − u

    ==============  ====================  =======  =======
    state           shape                 dtype    initial
    ==============  ====================  =======  =======
    exp_avg_sq_row  p.shape[:-1]          float32  0, for two dimensions and more (R)
    exp_avg_sq_col  p.shape without [-2]  float32  0, for two dimensions and more (C)
    exp_avg_sq      like p                like p   0, for fewer (V)
    step            ()                    float32  0
    ==============  ====================  =======  =======

    With float16 parameters ε1 = 1e-30 rounds to 0, and an element whose gradients are all zero
    divides zero by zero: choose an ε1 that the type can hold.

    Differs from `torch.optim.Adafactor`: ε1 is added to g² (torch takes the larger of the two), the
    rate follows t (torch bounds it by 1/√t), and the decay uses the scaled rate a.

    Args:
        params: parameters, or dicts of them with their own hyper-parameters.
        lr: rate of at least 0, a float or a 0-dim tensor.
        eps: ε1 and ε2, each at least 0.
        clip_threshold: must be 1.0.
        decay_rate: exponent of the running mean's weight; below 0 in use.
        beta1: must be None, there is no first moment.
        weight_decay: decoupled decay of at least 0, multiplied by the scaled rate.
        scale_parameter: multiply the rate by the parameter's RMS.
        relative_step: must be False.
        warmup_init: must be False.

    Raises:
        ArgumentError: a value outside its range, or a feature that is not supported.

    Source: Shazeer and Stern, arXiv:1804.04235; signature of the reference API 1.8.0.

    Example:
        >>> p = torch.nn.Parameter(torch.ones(512, 768))
        >>> optimizer = optimizers.Adafactor([p], lr=0.01)
        >>> {name: tuple(state.shape) for name, state in optimizer.state[p].items()}
        {'exp_avg_sq_row': (512,), 'exp_avg_sq_col': (768,), 'step': ()}
    """

    decouples_weight_decay = True

    ranges = checks(
        lr=rate,
        eps=pair_of(at_least_zero),
        decay_rate=finite_number,
        weight_decay=at_least_zero,
        scale_parameter=flag,
    )

    def __init__(
        self,
        params: Params,
        lr: Rate,
        eps: tuple[float, float] = (1e-30, 0.001),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta1: float | None = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = False,
        warmup_init: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "eps": eps,
                "clip_threshold": clip_threshold,
                "decay_rate": decay_rate,
                "beta1": beta1,
                "weight_decay": weight_decay,
                "scale_parameter": scale_parameter,
                "relative_step": relative_step,
                "warmup_init": warmup_init,
            },
            enable_global_step=True,
        )

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Raise `ArgumentError` for a value outside its range or an unsupported feature."""
        if group["relative_step"]:
            rule = "False, for the rate is given by lr" if group["lr"] is not None else "False"
            raise ArgumentError(owner, "relative_step", group["relative_step"], rule)
        super().check_hyperparameters(owner, group)
        if group["clip_threshold"] != 1.0:
            raise ArgumentError(owner, "clip_threshold", group["clip_threshold"], "1.0")
        if group["beta1"] is not None:
            raise ArgumentError(owner, "beta1", group["beta1"], "None, there is no first moment")
        if group["warmup_init"]:
            raise ArgumentError(owner, "warmup_init", group["warmup_init"], "False")

    def state_names_to_sparsify(self) -> list[str]:
        """Names of the states that shrink with a sparse parameter."""
        return ["exp_avg", "exp_avg_sq"]

    def state_layout(self, p: torch.Tensor, group: Group) -> dict[str, StateTensor]:  # noqa: ARG002  # the same for every group
        """A row and a column for a matrix, the whole second moment for less."""
        if p.dim() < 2:
            return {"exp_avg_sq": like(p)}
        shape = tuple(p.shape)
        return {
            "exp_avg_sq_row": StateTensor(shape[:-1], torch.float32),
            "exp_avg_sq_col": StateTensor(shape[:-2] + shape[-1:], torch.float32),
        }

    def update(
        self, p: torch.Tensor, grad: torch.Tensor, state: dict[str, torch.Tensor], group: Group
    ) -> None:
        """One step of the rule in the class's docstring."""
        step = self.increment_global_step(p)
        if p.numel() == 0:
            return  # the mean of nothing is undefined, and there is nothing to update
        floor, least_scale = group["eps"]
        rate: Rate = group["lr"]
        if group["scale_parameter"]:
            rate = _rms(p).clamp_(min=least_scale).mul_(rate)
        weight = torch.pow(step, group["decay_rate"])  # 1 − b
        direction = grad.square().add_(floor)
        if p.dim() < 2:
            second = state["exp_avg_sq"].lerp_(direction, weight.to(p.dtype))
            torch.rsqrt(second, out=direction)
            direction.mul_(grad)
        else:
            row = state["exp_avg_sq_row"].lerp_(direction.mean(-1).to(torch.float32), weight)
            column = state["exp_avg_sq_col"].lerp_(direction.mean(-2).to(torch.float32), weight)
            row = (row / row.mean(-1, keepdim=True)).rsqrt_()
            torch.mul(grad, row.unsqueeze(-1), out=direction)
            direction.mul_(column.rsqrt().unsqueeze(-2))
        shrink_(p, rate, group["weight_decay"])
        descend_(p, direction, rate / _rms(direction).clamp_(min=1.0))

    def adopt_saved_group(self, saved: Group) -> Group:
        """Translate the names of `torch.optim.Adafactor`: beta2_decay, d, and an eps of None."""
        for theirs, ours in (("beta2_decay", "decay_rate"), ("d", "clip_threshold")):
            if theirs in saved:
                saved[ours] = saved.pop(theirs)
        if "eps" in saved and saved["eps"][0] is None:
            saved["eps"] = (1e-30, saved["eps"][1])
        return saved

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:
        """Translate the states of `torch.optim.Adafactor`, which keep the reduced dimension."""
        if "variance" in saved:
            saved["exp_avg_sq"] = saved.pop("variance")
        if "row_var" in saved:
            saved["exp_avg_sq_row"] = saved.pop("row_var").squeeze(-1)
        if "col_var" in saved:
            saved["exp_avg_sq_col"] = saved.pop("col_var").squeeze(-2)
        return super().adopt_saved_state(saved, group)


def _rms(x: torch.Tensor) -> torch.Tensor:
    """Root mean square of all elements, 0-dim; accumulated in float32 at least."""
    dtype = x.dtype if x.dtype == torch.float64 else torch.float32
    norm: torch.Tensor = torch.linalg.vector_norm(x, dtype=dtype)
    return norm.div_(x.numel() ** 0.5)
