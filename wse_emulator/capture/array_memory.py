"""NumPy arrays and tensors over the same memory: their copies share memory as they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class _Region:
    """Memory that was copied: where it began, and the copy of its bytes."""

    begin: int
    copied: _Array

    def holds(self, begin: int, size_bytes: int) -> bool:
        return self.begin <= begin and begin + size_bytes <= self.begin + len(self.copied)


class ArrayMemory:
    """The memory of the arrays and storages that were copied so far, by address."""

    def __init__(self) -> None:
        self._arrays: list[_Region] = []
        self._storages: list[tuple[int, int, torch.UntypedStorage]] = []

    def meets_a_storage(self, array: _Array) -> bool:
        """Whether an array has memory of a storage that was copied."""
        whole = _whole(array)
        begin, end = whole.ctypes.data, whole.ctypes.data + whole.nbytes
        return any(begin < start + size and start < end for start, size, _ in self._storages)

    def add_storage(self, storage: torch.UntypedStorage, copied: torch.UntypedStorage) -> None:
        """A storage was copied."""
        self._storages.append((storage.data_ptr(), storage.nbytes(), copied))

    def storage_of_array(self, storage: torch.UntypedStorage) -> torch.UntypedStorage | None:
        """The copy of a storage whose memory is that of an array copied before; else None."""
        begin, size = storage.data_ptr(), storage.nbytes()
        for region in self._arrays if size else ():
            if region.holds(begin, size):
                part = region.copied[begin - region.begin :][:size]
                return torch.from_numpy(part).untyped_storage()
        return None

    def copy_of(self, array: _Array) -> _Array:
        """The copy of an array, over the copy of whatever memory it lies in."""
        whole = _whole(array)
        begin, size = whole.ctypes.data, whole.nbytes
        if not (whole.flags.contiguous and size):
            return array.copy()
        region = next((r for r in self._arrays if r.holds(begin, size)), None)
        if region is None:
            region = self._region(begin, size, whole)
            self._arrays.append(region)
        offset = array.ctypes.data - region.begin
        made = np.ndarray(array.shape, array.dtype, region.copied.data, offset, array.strides)
        made.flags.writeable = array.flags.writeable
        return made

    def add_buffer(self, bare: _Array, copied: _Array) -> None:
        """The bytes of a buffer that is no array were copied."""
        if bare.size:
            self._arrays.append(_Region(bare.ctypes.data, copied))

    def _region(self, begin: int, size_bytes: int, whole: _Array) -> _Region:
        for start, size, copied in self._storages:
            if start <= begin and begin + size_bytes <= start + size:
                held = torch.empty(0, dtype=torch.uint8)
                held.set_(copied, 0, (size,), (1,))
                return _Region(start, held.numpy())
        flat = whole.reshape(-1, order="A").view(np.uint8)
        return _Region(begin, flat.copy())


def _whole(array: _Array) -> _Array:
    """The array that a view was taken of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
