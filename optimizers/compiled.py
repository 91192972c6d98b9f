"""The step of an optimizer, compiled: opt-in, with the numbers of the eager step."""

from __future__ import annotations

import collections
import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from optimizers.base import Optimizer

INDUCTOR_OPTIONS: dict[str, str | int | bool | Callable[..., object]] = {
    # The guards compare every size already; checking again is two fifths of a call's overhead.
    "size_asserts": False,
    # Store every intermediate result that a loop does not fuse away: without it the 0-dim
    # arithmetic of a rate is repeated for every vector of the loop that reads the rate.
    "realize_opcount_threshold": 1,
}


def compiled_step(optimizer: Optimizer, *, backend: str = "inductor") -> Callable[[], None]:
    """A function that performs `optimizer.step()` as one compiled graph.

    The whole step is one graph (`fullgraph=True`), which is what the rules of static state allow.
    Use a 0-dim tensor for a rate that changes, or every new rate compiles anew. The first call
    compiles. The seal is not compared inside; torch's guards watch the state tensors.

    Args:
        optimizer: any optimizer of this package, or a subclass that keeps its rules. It goes on
            owning parameters and state, and its own `step` stays eager.
        backend: of `torch.compile`. "inductor" needs a C++ compiler; "aot_eager" needs none and
            gains nothing but the proof that there is one graph.

    Raises:
        torch._dynamo.exc.Unsupported: on the first call, if the step cannot be one graph.

    Example:
        >>> p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        >>> optimizer = optimizers.SGD([p], lr=0.1)
        >>> p.grad = torch.tensor([0.5, 4.0])
        >>> step = optimizers.compiled_step(optimizer, backend="eager")
        >>> step()
        >>> p.data
        tensor([ 0.9500, -2.4000])
    """
    made = _made(optimizer, backend)
    groups = len(optimizer.param_groups)

    def step() -> None:
        nonlocal made, groups
        if len(optimizer.param_groups) != groups:
            made, groups = _made(optimizer, backend), len(optimizer.param_groups)
        made()

    return step


def _made(optimizer: Optimizer, backend: str) -> Callable[[], None]:
    """The compiled step for the parameters that the optimizer has now."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    held = [entry for p in parameters for entry in optimizer.state[p].values()]
    apart = any(_is_double_scalar(tensor) for tensor in (*parameters, *held))
    stepped = _with_lines_for_scalars(optimizer) if apart else optimizer
    compiled = torch.compile(
        stepped.step,
        fullgraph=True,
        dynamic=False,
        backend=backend,
        options=INDUCTOR_OPTIONS if backend == "inductor" else None,
    )

    def step() -> None:
        if apart:
            _take_over(stepped, optimizer)
        compiled()

    return step


def _is_double_scalar(value: object) -> bool:
    """Whether a value is of the kind that torch.compile reads before the graph has written it.

    It takes a 0-dim float64 tensor in CPU memory for a Python number, of the value it has when the
    graph begins.
    """
    return isinstance(value, torch.Tensor) and value.dim() == 0 and value.dtype == torch.float64


def _with_lines_for_scalars(optimizer: Optimizer) -> Optimizer:
    """The optimizer once more, with its 0-dim float64 tensors seen as lines of one element.

    They share their memory with the optimizer's own, so that what one of the two writes, both have.
    """
    twin = copy.copy(optimizer)
    twin.state = collections.defaultdict(dict)
    twin.param_groups = []
    for group in optimizer.param_groups:
        lines = [_as_line(p) for p in group["params"]]
        twin.param_groups.append({**group, "params": lines})
        for p, line in zip(group["params"], lines, strict=True):
            twin.state[line] = {name: _as_line(v) for name, v in optimizer.state[p].items()}
    return twin


def _take_over(twin: Optimizer, optimizer: Optimizer) -> None:
    """Bring gradients and hyper-parameters of the optimizer into its twin."""
    for lines, group in zip(twin.param_groups, optimizer.param_groups, strict=True):
        lines.update({name: value for name, value in group.items() if name != "params"})
        for line, p in zip(lines["params"], group["params"], strict=True):
            if line is not p:
                if line.data_ptr() != p.data_ptr():  # its values were put elsewhere
                    line.data = _as_line(p)
                line.grad = None if p.grad is None else _as_line(p.grad)


def _as_line(value: Any) -> Any:
    return value.detach().view(1) if _is_double_scalar(value) else value
