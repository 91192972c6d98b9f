"""Which storage is what: names and owners for every storage that a step touches.

A storage is recognised by the address of its implementation object, which meta tensors have too.
A weak reference keeps that address from being reused while the step is traced, without keeping
the data alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.program import Value, ValueKind


def storage_key(tensor: torch.Tensor) -> int:
    """Address of the tensor's storage object; equal for all views of one storage."""
    return int(tensor.untyped_storage()._cdata)


def dtype_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


@dataclass(slots=True)
class StorageTable:
    """Storages seen while one step is traced, as a growing list of values."""

    values: list[Value] = field(default_factory=list)
    _index_of: dict[int, int] = field(default_factory=dict)
    _held: list[StorageWeakRef] = field(default_factory=list)

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

    def alias(self, tensor: torch.Tensor, value: int) -> None:
        """Say that this tensor's storage is that of an already known value."""
        self._index_of[storage_key(tensor)] = value
        self._held.append(StorageWeakRef(tensor.untyped_storage()))

    def temporary(self, tensor: torch.Tensor, parameter: int | None) -> int:
        """Register a storage that an op has just made."""
        name = f"%{len(self.values)}"
        return self._add(tensor, storage_key(tensor), name, ValueKind.TEMPORARY, parameter)

    def constant(self, tensor: torch.Tensor) -> int:
        """Register a storage that a step reads and nobody declared."""
        name = f"constant[{len(self.values)}]"
        return self._add(tensor, storage_key(tensor), name, ValueKind.CONSTANT, None)

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
        self._held.append(StorageWeakRef(tensor.untyped_storage()))
        return index


def declare_step(
    table: StorageTable,
    optimizer: torch.optim.Optimizer,
    scheduler: object | None,
    names: list[str],
) -> None:
    """Declare parameters, gradients, state, rates and schedule state, in a stable order."""
    index = 0
    for number, group in enumerate(optimizer.param_groups):
        for p in group["params"]:
            table.declare(p, names[index], ValueKind.PARAMETER, index)
            if p.grad is not None:
                table.declare(p.grad, f"{names[index]}.grad", ValueKind.GRADIENT, index)
            for key, value in optimizer.state.get(p, {}).items():
                if isinstance(value, torch.Tensor):
                    table.declare(value, f"{names[index]}.{key}", ValueKind.STATE, index)
            index += 1
        for key, value in group.items():
            if isinstance(value, torch.Tensor):
                kind = ValueKind.RATE if key == "lr" else ValueKind.CONSTANT
                table.declare(value, f"{key}[{number}]", kind, None)
    if scheduler is not None:
        for path, tensor in tensors_within(scheduler, skip=optimizer):
            table.declare(tensor, f"{type(scheduler).__name__}.{path}", ValueKind.SCHEDULE, None)


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
