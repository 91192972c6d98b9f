"""From an optimizer of `torch.optim` to the legal one of the same name, and back."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import TYPE_CHECKING, Any

import torch

from optimizers.adadelta import Adadelta
from optimizers.adafactor import Adafactor
from optimizers.adagrad import Adagrad
from optimizers.adam import Adam, AdamBase, AdamW
from optimizers.adamax import Adamax
from optimizers.asgd import ASGD
from optimizers.errors import NoCounterpartError, RuleDifferenceWarning
from optimizers.muon import Muon
from optimizers.nadam import NAdam
from optimizers.radam import RAdam
from optimizers.rmsprop import RMSprop
from optimizers.rprop import Rprop
from optimizers.sgd import SGD

if TYPE_CHECKING:
    from optimizers.base import Optimizer
    from optimizers.rule import UpdateRule
    from optimizers.validation import Group

# The classes whose rule torch.optim has under the same name.
COUNTERPARTS: dict[str, type[UpdateRule]] = {
    cls.__name__: cls
    for cls in (
        ASGD,
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        AdamW,
        Adamax,
        Muon,
        NAdam,
        RAdam,
        RMSprop,
        Rprop,
        SGD,
    )
}

_BIAS = "eps is added before the bias correction here, after it in torch"
_ALWAYS_DIFFERENT = {
    "Adam": _BIAS,
    "AdamW": _BIAS,
    "NAdam": "the momentum product has one factor more here, 0.75 % of the movement",
    "Adafactor": "eps is added here, a lower bound in torch; rate and decay are scaled otherwise",
    "Muon": "the look-ahead and the scaling of rate and decay differ",
}
# Names of hyper-parameters in torch.optim's class, by the name here.
_TORCH_NAMES = {"Adafactor": {"decay_rate": "beta2_decay", "clip_threshold": "d"}}
# A power of beta below this has left the normal numbers of float32 and tells no step any more.
_SMALLEST_NORMAL = torch.finfo(torch.float32).tiny


def from_torch(optimizer: torch.optim.Optimizer) -> Optimizer:
    """The legal optimizer of the same name, on the same parameters, with groups and state.

    Parameters that torch has not stepped yet have the state of construction. The given optimizer
    is not changed; it goes on sharing the parameters, so step only one of the two.

    Returns:
        An optimizer of this package. Where its rule differs from torch's, a
        `RuleDifferenceWarning` says how.

    Raises:
        NoCounterpartError: there is no class of that name, or it has no such option (maximize in
            Adam, decoupled decay in NAdam).
        ArgumentError: a hyper-parameter is outside the range here.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> theirs = torch.optim.RMSprop([p], lr=0.05)
        >>> ours = optimizers.from_torch(theirs)
        >>> type(ours).__module__, ours.param_groups[0]["lr"], sorted(ours.state[p])
        ('optimizers.rmsprop', 0.05, ['square_avg'])
    """
    name = type(optimizer).__name__
    ours = COUNTERPARTS.get(name)
    if ours is None or type(optimizer) is not getattr(torch.optim, name, None):
        raise NoCounterpartError(
            f"there is no legal optimizer for {type(optimizer).__module__}.{name}; "
            f"there is one for torch.optim's {', '.join(COUNTERPARTS)}"
        )
    groups = [_group_from_torch(ours, group) for group in optimizer.param_groups]
    needed = {} if "lr" not in _required(ours) else {"lr": groups[0]["lr"]}
    converted: Optimizer = ours(groups, **needed)
    saved = optimizer.state_dict()
    for group in saved["param_groups"]:
        group["differentiable"] = False  # marks the dict as torch's, with state made lazily
    converted.load_state_dict(saved)
    for live, group in zip(converted.param_groups, groups, strict=True):
        live["lr"] = group["lr"]  # a rate held in a tensor stays that tensor
    _warn_of_differences(name, converted.param_groups, optimizer.param_groups)
    return converted


def to_torch(optimizer: Optimizer) -> torch.optim.Optimizer:
    """torch.optim's optimizer of the same name, on the same parameters, with groups and state.

    The step counter of Adam, AdamW and Adamax is read off the powers of beta. Once these have
    left the range of float32 (after 87,000 steps with β2 = 0.999) the bias correction is 1 in
    either package, and the counter is the smallest for which it is.

    Raises:
        NoCounterpartError: torch has no such class, or no such option (AdamW without bias
            correction).

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> theirs = optimizers.to_torch(optimizers.RMSprop([p], lr=0.05))
        >>> type(theirs).__module__, theirs.param_groups[0]["lr"]
        ('torch.optim.rmsprop', 0.05)
    """
    name = type(optimizer).__name__
    theirs = getattr(torch.optim, name, None) if type(optimizer) in COUNTERPARTS.values() else None
    if theirs is None:
        raise NoCounterpartError(
            f"torch.optim has no {name}; it has {', '.join(COUNTERPARTS)} of these optimizers"
        )
    groups = [_group_to_torch(optimizer, theirs, group) for group in optimizer.param_groups]
    converted: torch.optim.Optimizer = theirs(groups)
    packed = converted.state_dict()
    parameters = [(p, group) for group in optimizer.param_groups for p in group["params"]]
    packed["state"] = {
        index: _state_to_torch(optimizer, p, group) for index, (p, group) in enumerate(parameters)
    }
    converted.load_state_dict(packed)
    _warn_of_differences(name, optimizer.param_groups, converted.param_groups)
    return converted


def _required(cls: type[Any]) -> set[str]:
    parameters = inspect.signature(cls).parameters.values()
    return {p.name for p in parameters if p.default is inspect.Parameter.empty}


def _group_from_torch(ours: type[UpdateRule], group: Group) -> Group:
    """A group with the hyper-parameters that our class takes, by our names."""
    name = ours.__name__
    known = inspect.signature(ours).parameters
    for option in ("maximize", "decoupled_weight_decay"):
        # torch's AdamW is its Adam with decoupled decay; to ours that is the class, no option.
        if (
            group.get(option)
            and option not in known
            and (name, option)
            != (
                "AdamW",
                "decoupled_weight_decay",
            )
        ):
            raise NoCounterpartError(f"{name} has no {option}, which this group sets")
    renamed = {theirs: mine for mine, theirs in _TORCH_NAMES.get(name, {}).items()}
    taken = {renamed.get(key, key): value for key, value in group.items()}
    converted = {key: value for key, value in taken.items() if key in known and key != "params"}
    if name == "Adafactor":
        first, second = converted["eps"]
        converted |= {"eps": (1e-30 if first is None else first, second), "scale_parameter": True}
    names = group.get("param_names")
    params = group["params"]
    return {**converted, "params": list(zip(names, params, strict=True)) if names else params}


def _group_to_torch(optimizer: Optimizer, theirs: type[Any], group: Group) -> Group:
    if group.get("correct_bias") is False:
        raise NoCounterpartError(f"torch.optim.{theirs.__name__} always corrects the bias")
    renamed = _TORCH_NAMES.get(theirs.__name__, {})
    known = inspect.signature(theirs).parameters
    converted = {renamed.get(k, k): v for k, v in group.items() if renamed.get(k, k) in known}
    if isinstance(optimizer, Adam):
        converted["weight_decay"] = group["weight_decay"] + group["l2_regularization_rate"]
    names = group.get("param_names")
    params = group["params"]
    converted["params"] = list(zip(names, params, strict=True)) if names else list(params)
    return converted


def _state_to_torch(optimizer: Optimizer, p: torch.Tensor, group: Group) -> dict[str, Any]:
    """A parameter's state as torch keeps it, in new tensors."""
    state = {key: value.clone() for key, value in optimizer.state.get(p, {}).items()}
    powers = [(state.pop(f"beta{i}_power", None), i - 1) for i in (1, 2)]
    if isinstance(optimizer, (AdamBase, Adamax)):
        pairs = [(float(power), group["betas"][i]) for power, i in powers if power is not None]
        state["step"] = torch.tensor(float(_steps_done(pairs)))
    elif not optimizer.enable_global_step and not isinstance(optimizer, (SGD, Muon)):
        state["step"] = torch.tensor(0.0)  # counted by torch, and used in nothing
    for ours, theirs, dimension in (("row", "row_var", -1), ("col", "col_var", -2)):
        if f"exp_avg_sq_{ours}" in state:
            state[theirs] = state.pop(f"exp_avg_sq_{ours}").unsqueeze(dimension)
    if isinstance(optimizer, Adafactor) and "exp_avg_sq" in state:
        state["variance"] = state.pop("exp_avg_sq")
    return state


def _steps_done(powers: list[tuple[float, float]]) -> int:
    """The t for which a power is beta^(t+1), from the first one that still tells."""
    last = 0
    for power, beta in powers:
        stored = float(torch.tensor(beta, dtype=torch.float32))
        if not 0 < stored < 1:
            continue
        if power > _SMALLEST_NORMAL:
            return max(0, round(math.log(power) / math.log(stored)) - 1)
        last = max(last, math.ceil(math.log(_SMALLEST_NORMAL) / math.log(stored)))
    return last


def _warn_of_differences(name: str, ours: list[Group], theirs: list[Group]) -> None:
    notes = [_ALWAYS_DIFFERENT[name]] if name in _ALWAYS_DIFFERENT else []
    if name == "SGD" and any(group["momentum"] and group["dampening"] for group in ours):
        notes.append("dampening acts on the first step here, not in torch")
    if name == "Muon" and any(group.get("ns_coefficients") for group in theirs):
        notes.append("coefficients and eps of the iteration are fixed here")
    if notes:
        warnings.warn(f"{name}: {'; '.join(notes)}", RuleDifferenceWarning, stacklevel=3)
