"""Loading a state dict: check all of it first, then copy, so a refused dict changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch

from optimizers.errors import StateDictError

if TYPE_CHECKING:
    from optimizers.validation import Group

# Keys by which torch.optim chooses an implementation; they say nothing about the update rule.
IMPLEMENTATION_KEYS = frozenset({"foreach", "capturable", "differentiable", "fused"})
# Any of these in a saved group marks the dict as torch's, which creates state lazily.
MADE_BY_TORCH = IMPLEMENTATION_KEYS | {"decoupled_weight_decay", "adjust_lr_fn"}


class Loadable(Protocol):
    """What loading asks of an optimizer; every `optimizers.Optimizer` answers it."""

    param_groups: list[Group]
    defaults: Group
    state: Any
    decouples_weight_decay: ClassVar[bool]

    def check_hyperparameters(self, owner: str, group: Group) -> None:
        """Refuse a hyper-parameter outside its range."""

    def adopt_saved_group(self, saved: Group) -> Group:
        """Translate a saved group of a foreign form into the class's own."""

    def adopt_saved_state(self, saved: dict[str, Any], group: Group) -> dict[str, Any]:
        """Translate a parameter's saved state of a foreign form into the class's own."""

    def fresh_state(self, p: torch.Tensor, group: Group) -> dict[str, torch.Tensor] | None:
        """The state of `p` at construction, or None if only `preinitialize` knows it."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """One state entry to fill: where it lives, and what it becomes."""

    entries: dict[str, Any]
    name: str
    value: Any


def load(optimizer: Loadable, state_dict: Mapping[str, Any]) -> None:
    """Fill an optimizer's state and groups from `state_dict`; see `Optimizer.load_state_dict`."""
    owner = type(optimizer).__name__
    saved_groups, saved_state = _parts(owner, state_dict)
    live_groups = optimizer.param_groups
    if len(saved_groups) != len(live_groups):
        raise StateDictError(
            f"{owner}: the state dict has {len(saved_groups)} parameter groups, the optimizer has "
            f"{len(live_groups)}; build the optimizer with the groups it was saved with"
        )
    adopted: list[Group] = []
    copies: list[_Copy] = []
    known: set[object] = set()
    for index, (saved, live) in enumerate(zip(saved_groups, live_groups, strict=True)):
        group = _adopted_group(optimizer, index, saved, live)
        adopted.append(group)
        for key, p in zip(saved["params"], live["params"], strict=True):
            known.add(key)
            copies += _parameter_copies(optimizer, key, p, saved, saved_state, group)
    strangers = [key for key in saved_state if key not in known]
    if strangers:
        raise StateDictError(
            f"{owner}: the state dict holds state for parameter {strangers[0]!r}, which none of "
            "its groups lists"
        )
    _apply(copies, live_groups, adopted)


def _parts(owner: str, state_dict: Mapping[str, Any]) -> tuple[list[Any], Mapping[Any, Any]]:
    if not isinstance(state_dict, Mapping):
        raise StateDictError(
            f"{owner}: a state dict must be a dict, not {type(state_dict).__name__}"
        )
    for part, kind in (("param_groups", list), ("state", Mapping)):
        if not isinstance(state_dict.get(part), kind):
            raise StateDictError(
                f"{owner}: the state dict has no usable {part!r}; was it saved with state_dict()?"
            )
    return state_dict["param_groups"], state_dict["state"]


def _adopted_group(optimizer: Loadable, index: int, saved: object, live: Group) -> Group:
    """The hyper-parameters that a saved group brings, checked, without "params"."""
    owner = f"{type(optimizer).__name__}, saved group {index}"
    if not isinstance(saved, Mapping) or not isinstance(saved.get("params"), (list, tuple)):
        raise StateDictError(f"{owner}: is no dict with a list of 'params'")
    if len(saved["params"]) != len(live["params"]):
        raise StateDictError(
            f"{owner}: has {len(saved['params'])} parameters, the optimizer's has "
            f"{len(live['params'])}"
        )
    if "lr" in live and "lr" not in saved:
        raise StateDictError(f"{owner}: has no 'lr'; the state dict is truncated")
    group = optimizer.adopt_saved_group({k: v for k, v in saved.items() if k != "params"})
    if group.get("maximize") and "maximize" not in optimizer.defaults:
        raise StateDictError(
            f"{owner}: was saved with maximize=True, which this class does not have; "
            "minimize the negated loss instead"
        )
    if "maximize" not in optimizer.defaults:
        group.pop("maximize", None)
    decoupled = group.pop("decoupled_weight_decay", optimizer.decouples_weight_decay)
    if bool(decoupled) != optimizer.decouples_weight_decay and group.get("weight_decay"):
        raise StateDictError(
            f"{owner}: was saved with {'decoupled' if decoupled else 'L2'} weight decay, this "
            f"class has the other kind"
        )
    for name in IMPLEMENTATION_KEYS & group.keys() - optimizer.defaults.keys():
        del group[name]
    optimizer.check_hyperparameters(owner, {**live, **group})
    return group


def _parameter_copies(
    optimizer: Loadable,
    key: object,
    p: torch.Tensor,
    saved_group: Mapping[str, Any],
    saved_state: Mapping[Any, Any],
    group: Group,
) -> list[_Copy]:
    """What to copy into the state of one parameter, checked name by name and shape by shape."""
    owner = type(optimizer).__name__
    live: dict[str, Any] = optimizer.state.get(p, {})
    found = saved_state.get(key)
    entries: Mapping[str, Any]
    if not found and saved_group.keys() & MADE_BY_TORCH:
        # torch creates state in the first step, so nothing saved means: not stepped yet.
        entries = optimizer.fresh_state(p, {**optimizer.defaults, **group}) or {}
        if "step" in live and "step" not in entries:
            entries = {**entries, "step": 0.0}
    elif found is None:
        entries = {}
    elif isinstance(found, Mapping):
        kept = {name: value for name, value in found.items() if value is not None}
        entries = optimizer.adopt_saved_state(kept, {**optimizer.defaults, **group})
    else:
        raise StateDictError(f"{owner}: the saved state of parameter {key!r} is no dict")
    missing = [name for name in live if name not in entries]
    unexpected = [name for name in entries if name not in live]
    if missing or unexpected:
        raise StateDictError(
            f"{owner}: the saved state of parameter {key!r} "
            + " and ".join(
                f"{verb} {', '.join(map(repr, names))}"
                for verb, names in (("lacks", missing), ("has unknown", unexpected))
                if names
            )
            + "; build the optimizer with the arguments it was saved with (momentum, amsgrad, "
            "centered, correct_bias, ...)"
        )
    for name, value in entries.items():
        _check_entry(f"{owner}: saved state {name!r} of parameter {key!r}", live[name], value)
    return [_Copy(live, name, value) for name, value in entries.items()]


def _check_entry(where: str, live: object, value: object) -> None:
    if isinstance(value, torch.Tensor) != isinstance(live, torch.Tensor):
        number_for_scalar = isinstance(value, (int, float)) and (
            isinstance(live, torch.Tensor) and live.dim() == 0
        )
        if not number_for_scalar:
            raise StateDictError(
                f"{where} is a {type(value).__name__}, the optimizer holds a {type(live).__name__}"
            )
    if isinstance(value, torch.Tensor) and isinstance(live, torch.Tensor):
        if value.shape != live.shape:
            raise StateDictError(
                f"{where} has shape {tuple(value.shape)}, the optimizer's has {tuple(live.shape)}"
            )
        if value.is_complex() or value.layout != torch.strided:
            raise StateDictError(f"{where} is {value.dtype} with layout {value.layout}")


@torch.no_grad()
def _apply(copies: list[_Copy], live_groups: list[Group], adopted: list[Group]) -> None:
    for copy in copies:
        live = copy.entries[copy.name]
        if isinstance(live, torch.Tensor):
            live.copy_(copy.value) if isinstance(copy.value, torch.Tensor) else live.fill_(
                copy.value
            )
        else:
            copy.entries[copy.name] = copy.value
    for live_group, group in zip(live_groups, adopted, strict=True):
        for name, value in group.items():
            current = live_group.get(name)
            if isinstance(current, torch.Tensor):
                current.fill_(value)
            elif isinstance(value, torch.Tensor):
                live_group[name] = float(value)
            else:
                live_group[name] = list(value) if isinstance(value, list) else value
