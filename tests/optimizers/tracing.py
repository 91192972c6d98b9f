"""What a step does, as the list of its tensor operations."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class OperationList(TorchDispatchMode):
    """Records name, tensor arguments (shape, dtype, device) and Python numbers of every op."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.operations: list[tuple[Any, ...]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        arguments = [*args, *(kwargs or {}).items()]
        self.operations.append((str(func), *(described(a) for a in arguments)))
        return func(*args, **(kwargs or {}))


def described(argument: Any) -> Any:
    if isinstance(argument, torch.Tensor):
        return (tuple(argument.shape), argument.dtype, argument.device.type)
    if isinstance(argument, tuple):
        return tuple(described(a) for a in argument)
    return repr(argument)


def operations_of_step(optimizer: torch.optim.Optimizer) -> list[tuple[Any, ...]]:
    with OperationList() as recorded:
        optimizer.step()
    return [op for op in recorded.operations if not op[0].startswith("profiler.")]
