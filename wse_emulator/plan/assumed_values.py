"""Values that a forward pass asks of tensors on the meta device, which have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.errors import InputError

MOST_ANSWERS: Final = 200


class AssumedValues(TorchDispatchMode):
    """Answers a question for a value with True, or with 0 where a number is asked for.

    Models ask whether a mask hides nothing, or whether as many images came as were announced;
    the inputs that are made here have no padding and fit together. A model that asks for more
    than ``MOST_ANSWERS`` values decides by them what it does.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        self.answers = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an op; a value that is read of a tensor on the meta device is assumed.

        Raises:
            InputError: too many values are read.
        """
        if func is torch.ops.aten._local_scalar_dense.default:
            (asked,) = args
            if isinstance(asked, Tensor) and asked.is_meta:
                self.answers += 1
                if self.answers > MOST_ANSWERS:
                    raise InputError(
                        f"forward reads more than {MOST_ANSWERS} values of its inputs, which are "
                        "not known on the meta device; leave out --batch-size"
                    )
                return True if asked.dtype == torch.bool else 0
        return func(*args, **(kwargs or {}))
