"""Storages that stand for others, and sets of storages by identity."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.capture.decompositions import tensors_in
from wse_emulator.capture.storages import storage_key


class MetaDoubles:
    """Meta tensors in place of real ones: views of one storage are views of one meta storage."""

    def __init__(self) -> None:
        self._bases: dict[int, torch.UntypedStorage] = {}
        self._held: list[StorageWeakRef] = []

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The double of a strided tensor, with its dtype, shape, strides and offset."""
        return view_of(self.base(tensor), tensor)

    def base(self, tensor: torch.Tensor) -> torch.UntypedStorage:
        """The meta storage that stands for the tensor's."""
        key = storage_key(tensor)
        base = self._bases.get(key)
        if base is None:
            base = self._bases[key] = meta_storage(tensor.untyped_storage().nbytes())
            self._held.append(StorageWeakRef(tensor.untyped_storage()))
        return base


class StorageSet:
    """Storages by identity, none of which keeps its data alive by being in the set."""

    def __init__(self, storages: Iterable[torch.UntypedStorage] = ()) -> None:
        self._keys: set[int] = set()
        self._held: list[StorageWeakRef] = []  # so that no key is given away twice
        for storage in storages:
            self.add(storage)

    def __contains__(self, tensor: torch.Tensor) -> bool:
        """Whether the storage of the tensor is in the set."""
        return storage_key(tensor) in self._keys

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._keys)

    @property
    def keys(self) -> frozenset[int]:
        """The key of each storage; see :func:`storage_key`."""
        return frozenset(self._keys)

    def add(self, storage: torch.UntypedStorage) -> None:
        """Add a storage."""
        key = int(storage._cdata)
        if key not in self._keys:
            self._keys.add(key)
            self._held.append(StorageWeakRef(storage))

    def add_made(
        self, func: torch._ops.OpOverload, given: Iterable[torch.Tensor], made: object
    ) -> None:
        """Add the storages that an op has just made, or made of Python data."""
        lifted = str(func) == "aten.lift_fresh.default"
        known = set() if lifted else {storage_key(x) for x in given if has_storage(x)}
        for x in tensors_in(made):
            if has_storage(x) and storage_key(x) not in known:
                self.add(x.untyped_storage())


def has_storage(tensor: torch.Tensor) -> bool:
    """Whether all elements of a tensor lie in one storage, as not those of a sparse one."""
    return tensor.layout is torch.strided


def meta_storage(size_bytes: int) -> torch.UntypedStorage:
    """A storage of that many bytes that holds none of them."""
    return torch.empty(size_bytes, dtype=torch.uint8, device="meta").untyped_storage()


def view_of(base: torch.UntypedStorage, like: torch.Tensor) -> torch.Tensor:
    """A plain tensor that lies in ``base`` as ``like`` lies in its own storage."""
    made = torch.empty(0, dtype=like.dtype, device=base.device)
    made.set_(base, like.storage_offset(), like.shape, like.stride())
    if like.is_conj():
        made = torch.conj(made)
    return torch._neg_view(made) if like.is_neg() else made


def address(tensor: torch.Tensor) -> int:
    """Address of the first element; on the meta device one that nothing else has.

    ``tensor.data_ptr()`` is 0 for all tensors there.
    """
    if not tensor.is_meta:
        return tensor.data_ptr()
    return storage_key(tensor) + int(tensor.storage_offset()) * tensor.element_size()
