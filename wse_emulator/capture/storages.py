"""Which storage is what: names and owners for every storage that a step touches.

A storage is recognised by the address of its implementation object, which meta tensors have too.
A weak reference keeps that address from being reused while the step is traced, without keeping
the data alive.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.program import Value, ValueKind

_NESTED: Final = (list, tuple, deque, dict)


def storage_key(tensor: torch.Tensor) -> int:
    """Address of the tensor's storage object; equal for all views of one storage."""
    return int(tensor.untyped_storage()._cdata)


def dtype_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where a tensor lies: its storage (the address of it, and its bytes), and its view of it."""

    storage: int
    nbytes: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str


def place_of(tensor: torch.Tensor) -> TensorPlace:
    """Where a tensor lies now. Its values are not read."""
    storage = tensor.untyped_storage()
    return TensorPlace(
        int(storage._cdata),
        storage.nbytes(),
        int(tensor.storage_offset()),
        tuple(tensor.shape),
        tensor.stride(),
        dtype_name(tensor.dtype),
    )


@dataclass(slots=True)
class StorageTable:
    """Storages seen while one step is traced, as a growing list of values.

    Attributes:
        values: one for each storage.
        made_at: ``file.py:12`` where the step made a storage, by the index of its value.
    """

    values: list[Value] = field(default_factory=list)
    made_at: dict[int, str] = field(default_factory=dict)
    _index_of: dict[int, int] = field(default_factory=dict)
    _held: list[StorageWeakRef] = field(default_factory=list)
    _reference: dict[int, StorageWeakRef] = field(default_factory=dict)

    def declare(
        self, tensor: torch.Tensor, name: str, kind: ValueKind, parameter: int | None
    ) -> int:
        """Register a storage before the step; a storage known already keeps its first name."""
        key = storage_key(tensor)
        known = self._index_of.get(key)
        if known is not None:
            return known
        return self._add(tensor, key, name, kind, parameter)

    def lookup(self, tensor: torch.Tensor) -> int | None:
        """Index of the tensor's value, or None for a storage never seen."""
        return self._index_of.get(storage_key(tensor))

    def value_at(self, storage: int) -> Value | None:
        """The value of a storage by its address, or None for a storage never seen."""
        index = self._index_of.get(storage)
        return None if index is None else self.values[index]

    def alias(self, tensor: torch.Tensor, value: int, *, replaces: bool = False) -> None:
        """Say that this tensor's storage is that of an already known value.

        ``replaces``: the value lies here from now on, and not where it was first seen.
        """
        self._index_of[storage_key(tensor)] = value
        reference = StorageWeakRef(tensor.untyped_storage())
        self._held.append(reference)
        if replaces:
            self._reference[value] = reference

    def temporary(self, tensor: torch.Tensor, parameter: int | None, where: str = "") -> int:
        """Register a storage that an op has just made, and the line that issued the op."""
        name = f"%{len(self.values)}"
        index = self._add(tensor, storage_key(tensor), name, ValueKind.TEMPORARY, parameter)
        self.made_at[index] = where
        return index

    def constant(self, tensor: torch.Tensor) -> int:
        """Register a storage that a step reads and nobody declared."""
        name = f"constant[{len(self.values)}]"
        return self._add(tensor, storage_key(tensor), name, ValueKind.CONSTANT, None)

    def rename(self, index: int, name: str, kind: ValueKind = ValueKind.CONSTANT) -> None:
        """Give a value another name and kind."""
        self.values[index] = dataclasses.replace(self.values[index], name=name, kind=kind)

    def reference(self, index: int) -> StorageWeakRef:
        """A weak reference to the storage of a value, which keeps its address from being reused."""
        return self._reference[index]

    def _add(
        self, tensor: torch.Tensor, key: int, name: str, kind: ValueKind, parameter: int | None
    ) -> int:
        index = len(self.values)
        self.values.append(
            Value(
                index,
                name,
                kind,
                parameter,
                tuple(tensor.shape),
                dtype_name(tensor.dtype),
                tensor.stride(),
            )
        )
        self._index_of[key] = index
        reference = StorageWeakRef(tensor.untyped_storage())
        self._held.append(reference)
        self._reference[index] = reference
        return index


@dataclass(frozen=True, slots=True)
class Declared:
    """A tensor that is declared before a step: what it is called, what it is, and whose."""

    tensor: torch.Tensor
    name: str
    kind: ValueKind
    parameter: int | None


def declare_step(
    table: StorageTable,
    optimizer: torch.optim.Optimizer,
    scheduler: object | None,
    names: list[str],
) -> None:
    """Declare parameters, gradients, state, rates and schedule state, in a stable order."""
    for given in declared(optimizer, scheduler, names):
        table.declare(given.tensor, given.name, given.kind, given.parameter)


def declared(
    optimizer: torch.optim.Optimizer, scheduler: object | None, names: list[str]
) -> Iterator[Declared]:
    """All that is declared before a step, in a stable order."""
    index = 0
    known: set[int] = set()
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            known.add(id(p))
            yield Declared(p, names[index], ValueKind.PARAMETER, index)
            if p.grad is not None:
                yield Declared(p.grad, f"{names[index]}.grad", ValueKind.GRADIENT, index)
            for key, value in state_entries(optimizer.state.get(p, {})):
                if isinstance(value, torch.Tensor):
                    yield Declared(value, f"{names[index]}.{key}", ValueKind.STATE, index)
            index += 1
        for key, value in group_entries(group):
            if isinstance(value, torch.Tensor):
                kind = ValueKind.RATE if key == "lr" else ValueKind.CONSTANT
                yield Declared(value, f"{key}[{number}]", kind, None)
    for name, value in shared_entries(optimizer, known):
        if isinstance(value, torch.Tensor):
            yield Declared(value, name, ValueKind.STATE, None)
    if scheduler is not None:
        for path, tensor in tensors_within(scheduler, skip=optimizer):
            name = f"{type(scheduler).__name__}.{path}"
            yield Declared(tensor, name, ValueKind.SCHEDULE, None)


def state_entries(held: object) -> Iterator[tuple[str, object]]:
    """The entries of one parameter's state by name, those within lists and dicts too: ``GG[0]``."""
    if isinstance(held, Mapping):
        for key, value in held.items():
            if isinstance(value, torch.Tensor):
                yield str(key), value
            else:
                yield from _leaves(str(key), value)
    else:
        yield from _leaves("", held)


def shared_entries(
    optimizer: torch.optim.Optimizer, parameters: set[int]
) -> Iterator[tuple[str, object]]:
    """The entries of the state that belong to no parameter (``parameters``: their ids)."""
    if len(optimizer.state) == 0:
        return
    for key, held in optimizer.state.items():
        if id(key) in parameters:
            continue
        name = "state[a tensor]" if isinstance(key, torch.Tensor) else f"state[{key!r:.40}]"
        for inner, value in state_entries(held):
            yield f"{name}.{inner}" if inner and inner[0] != "[" else f"{name}{inner}", value


def group_entries(group: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The hyper-parameters of a group by name, those within lists and dicts too: ``betas[0]``."""
    for key, value in group.items():
        if key == "params":
            continue
        if isinstance(value, _NESTED):
            yield from _leaves(key, value)
        else:
            yield key, value


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """The tensors within a value; the value itself if there are none."""
    if not isinstance(value, _NESTED):
        yield name, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    within = [leaf for key, item in items for leaf in _leaves(f"{name}[{key}]", item)]
    if any(isinstance(leaf, torch.Tensor) for _, leaf in within):
        yield from within
    elif len(value) > 0:
        yield name, value


def declare_gradients(
    table: StorageTable, optimizer: torch.optim.Optimizer, names: list[str]
) -> None:
    """Declare gradients that appeared inside the step, as a closure makes them."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, p in enumerate(parameters):
        if p.grad is not None:
            table.declare(p.grad, f"{names[index]}.grad", ValueKind.GRADIENT, index)


def tensors_within(
    root: object, *, skip: object, _path: str = "", _seen: set[int] | None = None
) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors held by an object's attributes, through lists, dicts and nested schedulers.

    ``skip`` (the optimizer that schedulers point back to) is not entered.
    """
    seen = {id(skip)} if _seen is None else _seen
    if id(root) in seen:
        return
    if isinstance(root, torch.Tensor):
        seen.add(id(root))
        yield _path, root
        return
    if isinstance(root, (list, tuple)):
        items: list[tuple[str, object]] = [(f"{_path}[{i}]", x) for i, x in enumerate(root)]
    elif isinstance(root, dict):
        items = [(f"{_path}[{k}]", x) for k, x in root.items()]
    else:
        seen.add(id(root))
        prefix = f"{_path}." if _path else ""
        items = [(f"{prefix}{k}", x) for k, x in _attributes(root)]
    for path, item in items:
        if isinstance(item, (list, tuple, dict, torch.Tensor)) or hasattr(item, "optimizer"):
            yield from tensors_within(item, skip=skip, _path=path, _seen=seen)


def _attributes(root: object) -> Iterator[tuple[str, object]]:
    """Attributes of an object by name, those in slots too."""
    yield from getattr(root, "__dict__", {}).items()
    for kind in type(root).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            if hasattr(root, slot):
                yield slot, getattr(root, slot)
