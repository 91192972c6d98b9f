"""A copy of a user's optimizer on the meta device, which is stepped in place of the user's.

The copy has its own parameters, state and attributes. Tensors hold shapes and no data, so the copy
of an optimizer of any size takes no memory; Python values are those of the original.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from optimizers import Optimizer
from wse_emulator.capture.storages import storage_key
from wse_emulator.errors import InputError
from wse_emulator.models.modules import MetaModel


def twin_of(
    optimizer: torch.optim.Optimizer, module: nn.Module
) -> tuple[torch.optim.Optimizer, MetaModel]:
    """A copy of an optimizer and of the parameters of its model, on the meta device.

    Args:
        optimizer: any optimizer, stepped before or not.
        module: holds the parameters that it steps.

    Returns:
        The copy, and the copied parameters by the names of the module.

    Raises:
        InputError: something that the optimizer holds cannot be copied.
    """
    doubles = _MetaTensors()
    memo: dict[int, object] = {}
    named: dict[str, nn.Parameter] = {}
    for name, parameter in module.named_parameters():
        named[name] = nn.Parameter(doubles.of(parameter), parameter.requires_grad)
        memo[id(parameter)] = named[name]
    twin = type(optimizer).__new__(type(optimizer))
    memo[id(optimizer)] = twin
    try:
        with doubles:
            ours = isinstance(optimizer, Optimizer)
            held = optimizer.__getstate__() if ours else vars(optimizer)
            # a step that a scheduler has wrapped holds on to the original
            copied = copy.deepcopy({k: v for k, v in held.items() if k != "step"}, memo)
            if ours:
                twin.__setstate__(copied)
            else:
                vars(twin).update(copied)
    except Exception as error:
        raise InputError(
            f"the {type(optimizer).__name__} object cannot be copied ({error}); give its class, or "
            "a function that builds it"
        ) from error
    return twin, MetaModel.holding(named)


class _MetaTensors(TorchFunctionMode):
    """While it is entered, a copied tensor is one on the meta device.

    Views of one storage are copied as views of one storage.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bases: dict[int, torch.UntypedStorage] = {}

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """A meta tensor of the same shape, strides and storage."""
        if tensor.layout != torch.strided:
            return torch.empty_like(tensor, device="meta")
        key = storage_key(tensor)
        base = self._bases.get(key)
        if base is None:
            size = tensor.untyped_storage().nbytes()
            made = torch.empty(size, dtype=torch.uint8, device="meta")
            base = self._bases[key] = made.untyped_storage()
        double = torch.empty(0, dtype=tensor.dtype, device="meta")
        double.set_(base, tensor.storage_offset(), tensor.shape, tensor.stride())
        return double

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        tensor = args[0] if args else None
        if func is torch.Tensor.__deepcopy__ and isinstance(tensor, torch.Tensor):
            memo = args[1]
            assert isinstance(memo, dict)
            if id(tensor) not in memo:
                memo[id(tensor)] = self.of(tensor)
            return memo[id(tensor)]
        if func is torch.Tensor.clone and isinstance(tensor, torch.Tensor):
            return self.of(tensor)
        return func(*args, **(kwargs or {}))
