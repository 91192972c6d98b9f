"""A copy of a user's optimizer on the meta device, which is stepped in place of the user's."""

from __future__ import annotations

import torch
from torch import nn

from wse_emulator.capture.copies import NotCopiedError, twin
from wse_emulator.errors import InputError
from wse_emulator.models.modules import MetaModel


def twin_of(
    optimizer: torch.optim.Optimizer, module: nn.Module
) -> tuple[torch.optim.Optimizer, MetaModel]:
    """A copy of an optimizer and of the parameters of its model, on the meta device.

    Python values are those of the original; tensors have shapes and no data, so that the copy of
    an optimizer of any size takes no memory.

    Args:
        optimizer: any optimizer, stepped before or not.
        module: holds the parameters that it steps.

    Returns:
        The copy, and the copied parameters by the names of the module.

    Raises:
        InputError: something that the optimizer holds cannot be copied.
    """
    names, parameters = zip(*module.named_parameters(), strict=True)
    try:
        made = twin((optimizer, parameters), values=False, kept_bytes=0)
    except NotCopiedError as error:
        raise InputError(
            f"the {type(optimizer).__name__} object cannot be copied ({error}); give its class, or "
            "a function that builds it"
        ) from error
    copied, doubles = made.copy
    return copied, MetaModel.holding(dict(zip(names, doubles, strict=True)))
