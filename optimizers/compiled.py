"""The step of an optimizer, compiled: opt-in, with the numbers of the eager step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
    compiled = torch.compile(
        optimizer.step,
        fullgraph=True,
        dynamic=False,
        backend=backend,
        options=INDUCTOR_OPTIONS if backend == "inductor" else None,
    )

    def step() -> None:
        compiled()

    return step
