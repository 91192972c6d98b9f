"""Which storage is what: names and owners for every storage that a step touches.

A storage is recognised by the address of its implementation object, which meta tensors have too.
A weak reference keeps that address from being reused while the step is traced, without keeping
the data alive. Parameters, gradients or state that are views of one buffer each have their own
part of its storage, and a tensor of the step is told by the part where its elements lie.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from wse_emulator.capture.extents import WHOLE, Extent, extent_of, share_elements
from wse_emulator.program import Value, ValueKind

_NESTED: Final = (list, tuple, deque, dict)


def storage_key(tensor: torch.Tensor) -> int:
    """Address of the tensor's storage object; equal for all views of one storage."""
    return int(tensor.untyped_storage()._cdata)


def lies_in_storage(value: object) -> TypeGuard[torch.Tensor]:
    """Whether it is a tensor all of whose elements lie in one storage, as not of a sparse one."""
    return isinstance(value, torch.Tensor) and value.layout is torch.strided


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
        values: in the order in which they were seen.
        made_at: ``file.py:12`` where the step made a value, by its index.
        overlaps: pairs of declared values (the index of the one known, the name of the other)
            of which some elements are the same.
    """

    values: list[Value] = field(default_factory=list)
    made_at: dict[int, str] = field(default_factory=dict)
    overlaps: list[tuple[int, str]] = field(default_factory=list)
    _begins: list[int] = field(default_factory=list)
    _named: dict[ValueKind, int] = field(default_factory=dict)
    _parts: dict[int, list[tuple[Extent | None, int]]] = field(default_factory=dict)
    _index_of: dict[tuple[int, Extent], int] = field(default_factory=dict)
    _held: list[StorageWeakRef] = field(default_factory=list)
    _references: list[StorageWeakRef] = field(default_factory=list)

    def declare(
        self, tensor: torch.Tensor, name: str, kind: ValueKind, parameter: int | None
    ) -> int:
        """Register a tensor's part of its storage; a part known already keeps its first name."""
        key, extent = storage_key(tensor), extent_of(tensor)
        known = self._found(key, extent)
        if not known:
            return self._add(tensor, extent, name, kind, parameter)
        first = known[0]
        exactly = (extent, first) in self._parts[key]
        both = kind is self.values[first].kind is ValueKind.PARAMETER
        if self.values[first].name != name and (both or not exactly):
            self.overlaps.append((first, name))
        return first

    def lookup(self, tensor: torch.Tensor) -> int | None:
        """Index of the tensor's value; None if its elements are of no value, or of several."""
        key = storage_key(tensor)
        parts = self._parts.get(key)
        if parts is None:
            return None
        if parts[0][0] is None or tensor.numel() == 0:
            return parts[0][1]
        extent = extent_of(tensor)
        index = self._index_of.get((key, extent or WHOLE))
        if index is not None:
            return index
        found = set(self._found(key, extent))
        return found.pop() if len(found) == 1 else None

    def holds(self, tensor: torch.Tensor) -> bool:
        """Whether a value lies in the tensor's storage."""
        return storage_key(tensor) in self._parts

    def value_at(self, storage: int) -> Value | None:
        """The first value of a storage by its address, or None for a storage never seen."""
        parts = self._parts.get(storage)
        return None if parts is None else self.values[parts[0][1]]

    def alias(self, tensor: torch.Tensor, value: int, *, replaces: bool = False) -> None:
        """Say that this tensor's elements are those of an already known value.

        ``replaces``: the value lies here from now on, and not where it was first seen.
        """
        key, extent = storage_key(tensor), extent_of(tensor)
        self._parts.setdefault(key, []).append((extent, value))
        self._index_of[key, extent or WHOLE] = value
        reference = StorageWeakRef(tensor.untyped_storage())
        self._held.append(reference)
        if replaces:
            self._references[value] = reference

    def temporary(self, tensor: torch.Tensor, parameter: int | None, where: str = "") -> int:
        """Register a storage that an op has just made, and the line that issued the op."""
        name = f"%{self._counted(ValueKind.TEMPORARY)}"
        index = self._add(tensor, None, name, ValueKind.TEMPORARY, parameter)
        self.made_at[index] = where
        return index

    def constant(self, tensor: torch.Tensor) -> int:
        """Register a tensor that a step reads and nobody declared."""
        name = f"constant[{self._counted(ValueKind.CONSTANT)}]"
        extent = extent_of(tensor)
        if extent is not None:  # another part of the same tensor is another constant
            name += f" from element {tensor.storage_offset()}"
        return self._add(tensor, extent, name, ValueKind.CONSTANT, None)

    def begin_of(self, index: int) -> int:
        """Where a value begins in its storage, in elements."""
        return self._begins[index]

    def _counted(self, kind: ValueKind) -> int:
        """How many values of a kind were named before: their number in the step.

        Counted by kind, so that what a step makes has the same name in every step, whatever was
        declared before it.
        """
        self._named[kind] = self._named.get(kind, -1) + 1
        return self._named[kind]

    def _found(self, key: int, extent: Extent | None) -> list[int]:
        """Values with elements in that part of the storage (None: all of it)."""
        return [
            index
            for part, index in self._parts.get(key, ())
            if part is None or extent is None or share_elements(part, extent)
        ]

    def rename(self, index: int, name: str) -> None:
        """Give a value another name."""
        self.values[index] = dataclasses.replace(self.values[index], name=name)

    def make_temporary(self, index: int) -> None:
        """Say that a constant is made by an op after all."""
        name, kind = f"%{self._counted(ValueKind.TEMPORARY)}", ValueKind.TEMPORARY
        self.values[index] = dataclasses.replace(self.values[index], name=name, kind=kind)

    def reference(self, index: int) -> StorageWeakRef:
        """A weak reference to the storage of a value, which keeps its address from being reused."""
        return self._references[index]

    def _add(
        self,
        tensor: torch.Tensor,
        extent: Extent | None,
        name: str,
        kind: ValueKind,
        parameter: int | None,
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
        self._begins.append(0 if extent is None else int(tensor.storage_offset()))
        key = storage_key(tensor)
        if not self._found(key, extent):
            self._parts.setdefault(key, []).append((extent, index))
        self._index_of[key, extent or WHOLE] = index
        reference = StorageWeakRef(tensor.untyped_storage())
        self._held.append(reference)
        self._references.append(reference)
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
            if lies_in_storage(p.grad):
                yield Declared(p.grad, f"{names[index]}.grad", ValueKind.GRADIENT, index)
            for key, value in state_entries(optimizer.state.get(p, {})):
                if lies_in_storage(value):
                    yield Declared(value, f"{names[index]}.{key}", ValueKind.STATE, index)
            index += 1
        for key, value in group_entries(group):
            if lies_in_storage(value):
                kind = ValueKind.RATE if key == "lr" else ValueKind.CONSTANT
                yield Declared(value, f"{key}[{number}]", kind, None)
    for name, value in shared_entries(optimizer, known):
        if lies_in_storage(value):
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
    """Declare gradients that appeared inside the step, as a closure makes them.

    One that takes the place of another is that parameter's gradient still, in new storage.
    """
    before = {v.parameter: v.index for v in table.values if v.kind is ValueKind.GRADIENT}
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, p in enumerate(parameters):
        if p.grad is None or table.lookup(p.grad) is not None:
            continue
        if index in before:
            table.alias(p.grad, before[index])
        else:
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
