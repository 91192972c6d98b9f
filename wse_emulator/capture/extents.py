"""Which elements of its storage a tensor has, and whether two tensors have some in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

_SOMEWHERE: Final = 1 << 20
"""An address that is not 0, which NumPy would take for no data."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a tensor's elements lie in its storage; offset and strides in bytes."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    element_bytes: int

    @property
    def end(self) -> int:
        """The byte after the last element."""
        if 0 in self.shape:
            return self.offset
        last = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        return self.offset + last + self.element_bytes


WHOLE: Final = Extent(0, (), (), 0)
"""Stands for all elements of a storage where a key is needed."""


def extent_of(tensor: torch.Tensor) -> Extent | None:
    """Where the tensor's elements lie; None if they are all of its storage."""
    size = tensor.element_size()
    strides = tensor.stride()
    if tensor.numel() * size == tensor.untyped_storage().nbytes() and 0 not in strides:
        return None
    return Extent(
        int(tensor.storage_offset()) * size,
        tuple(tensor.shape),
        tuple(stride * size for stride in strides),
        size,
    )


def share_elements(a: Extent, b: Extent) -> bool:
    """Whether two tensors of one storage have an element in common.

    >>> row, column = Extent(0, (4,), (4,), 4), Extent(4, (2,), (16,), 4)
    >>> share_elements(row, column), share_elements(row, Extent(16, (4,), (4,), 4))
    (True, False)
    """
    if a.end <= b.offset or b.end <= a.offset:
        return False
    return np.shares_memory(_as_array(a), _as_array(b))


class _Addresses:
    """Addresses in the form in which NumPy takes those of another library; none is read."""

    def __init__(self, extent: Extent) -> None:
        self.__array_interface__ = {
            "data": (_SOMEWHERE + extent.offset, True),
            "shape": extent.shape,
            "strides": extent.strides,
            "typestr": f"|V{extent.element_bytes}",
            "version": 3,
        }


def _as_array(extent: Extent) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
    return np.asarray(_Addresses(extent))
