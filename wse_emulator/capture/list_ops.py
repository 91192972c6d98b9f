"""torch's ops on lists of tensors (``_foreach_add_`` and the like), as one op a tensor.

An optimizer with ``foreach=True`` hands all tensors of a group to one op. On the wafer each tensor
lies in its own place, so what counts is the op that each of them takes part in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch

_PREFIX: Final = "_foreach_"

_OTHER_NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("maximum", "Scalar"): "clamp_min",
    ("maximum", "ScalarList"): "clamp_min",
    ("minimum", "Scalar"): "clamp_max",
    ("minimum", "ScalarList"): "clamp_max",
    ("maximum_", "List"): "clamp_min",
    ("minimum_", "List"): "clamp_max",
}
"""(Op, overload) of a list op -> the op of one tensor that it stands for, where that has another
name: a bound that is a number clamps, and only clamping is done in place."""


def is_list_op(func: torch._ops.OpOverload) -> bool:
    """Whether an op works on lists of tensors, one by one."""
    return func._schema.name.startswith(f"aten::{_PREFIX}")


def one_by_one(func: torch._ops.OpOverload) -> Callable[..., list[object] | None]:
    """The function that does what a list op does, tensor after tensor."""
    listed = func._schema.name.removeprefix(f"aten::{_PREFIX}")
    plain, in_place = listed.removesuffix("_"), listed.endswith("_")
    overload = func._overloadname
    name = _OTHER_NAMES.get((listed, overload)) or _OTHER_NAMES.get((plain, overload), plain)

    def each(*arguments: object, **keywords: object) -> list[object] | None:
        count = max(len(given) for given in arguments if isinstance(given, (list, tuple)))
        made = [
            _call(
                name,
                in_place,
                [_element(given, position) for given in arguments],
                {key: _element(given, position) for key, given in keywords.items()},
            )
            for position in range(count)
        ]
        return None if in_place else made

    return each


def _element(given: object, position: int) -> object:
    """What the op of one tensor gets of an argument: its element of a list, or the argument.

    Factors may come as one tensor, with an element for each tensor of the list.
    """
    if isinstance(given, torch.Tensor) and given.ndim == 1 and given.numel() > 1:
        return given[position]
    return given[position] if isinstance(given, (list, tuple)) else given


def _call(
    name: str, in_place: bool, arguments: Sequence[object], keywords: Mapping[str, object]
) -> object:
    """The op on one tensor."""
    first, *others = arguments
    if name in ("norm", "powsum"):
        order = others[0] if others else 2
        assert isinstance(first, torch.Tensor)
        assert isinstance(order, (int, float))
        made = first.abs().pow(order).sum() if name == "powsum" else first.norm(order)
        dtype = keywords.get("dtype")
        return made.to(dtype) if isinstance(dtype, torch.dtype) else made
    op = getattr(torch.ops.aten, name + ("_" if in_place else ""))
    if name in ("addcmul", "addcdiv") and len(others) == 3:
        left, right, factor = others
        if isinstance(factor, torch.Tensor) and isinstance(left, torch.Tensor):
            return op(first, left * factor, right)
        return op(first, left, right, value=factor)
    return op(*arguments, **keywords)
