"""A copy of an optimizer and all that it reaches, so that the caller's own is never stepped.

``copy.deepcopy`` will not do: an optimizer keeps only its groups and state when it is pickled, and
a parameter always copies its values. Here every attribute is followed, and each storage is copied
once, with its values or without them.
"""

from __future__ import annotations

import array
import ctypes
import mmap
import threading
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch

from wse_emulator.capture.array_memory import ArrayMemory
from wse_emulator.capture.doubles import address, has_storage, meta_storage, view_of
from wse_emulator.capture.instances import ATOMS, is_filled, slots_of
from wse_emulator.capture.storages import storage_key
from wse_emulator.errors import InputError

T = TypeVar("T")

KEPT_BYTES: Final = 64
"""A storage of at most so many bytes that is no parameter and no gradient, such as a step count or
a rate, keeps its values also in a copy without values."""

_IDENTITY: Final = 1 << 20
"""An integer from here on may be the ``id`` or the address of a tensor, by which optimizers keep
state and know their tensors again."""

_SHARED: Final = (
    "it holds a NumPy array over the memory of a tensor, which a copy without values cannot have"
)


STANDS_IN_FOR: Final = "stands_in_for"
"""A function with this attribute is put in the place of the method that the attribute holds, to
watch its calls; a copy has that method itself."""


class NotCopiedError(InputError):
    """An object that an optimizer holds cannot be copied; the message names its type."""


class NeedsValuesError(NotCopiedError):
    """A copy without values would not do as the original does; the message says why."""


@dataclass(frozen=True, slots=True)
class Twin(Generic[T]):
    """A copy, and the storages in memory that were made for it."""

    copy: T
    storages: tuple[torch.UntypedStorage, ...]


def twin(
    root: T, *, values: bool, bare: Iterable[int] = (), kept_bytes: int = KEPT_BYTES
) -> Twin[T]:
    """A copy of an object and of all that it reaches: attributes, containers, closures, tensors.

    Tensors keep dtype, shape, strides, offset and class, and what shares a storage shares one in
    the copy. Numbers by which a tensor is known (``id``, address) become those of its copy.
    Modules, classes, open files and locks are not copied; nothing of ``root`` changes.

    Args:
        root: what to copy, such as a tuple of an optimizer and its schedulers.
        values: copy values too; otherwise storages lie on the meta device, all but the small ones.
        bare: keys of storages that lie on the meta device however small they are.
        kept_bytes: a storage of at most so many bytes is small.

    Raises:
        NotCopiedError: something cannot be copied, such as a running generator.
    """
    keys = frozenset(bare)
    first = _Copier(values, keys, kept_bytes)
    copier, made = first, first.run(root)
    moved = first.moved_addresses()
    if not first.integers.isdisjoint(moved):
        copier = _Copier(values, keys, kept_bytes, first=first, moved=moved)
        made = copier.run(root)
    return Twin(made, copier.storages())


class _Copier:
    def __init__(
        self,
        values: bool,
        bare: frozenset[int],
        kept_bytes: int,
        first: _Copier | None = None,
        moved: dict[int, int] | None = None,
    ) -> None:
        self.values = values
        self.bare = bare
        self.kept_bytes = kept_bytes
        self.tensors: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.integers: set[int] = set()
        self._tensors_before = {} if first is None else first.tensors
        self._moved = moved or {}
        self._memo: dict[int, object] = {}
        self._originals: list[object] = []  # so that no id is given away twice
        self._not_copied: list[tuple[int, int, object]] = []
        self._bases: dict[int, torch.UntypedStorage] = {} if first is None else first._bases
        self._memory: ArrayMemory = ArrayMemory() if first is None else first._memory
        self._ways: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
            (torch.Tensor, self._tensor),
            (torch.UntypedStorage, self._bare_storage),
            (torch.Generator, self._generator),
            (np.ndarray, self._array),
            ((bytearray, array.array), self._buffer),
            ((memoryview, mmap.mmap, ctypes.Array), self._shared_buffer),
            (ThreadPoolExecutor, lambda pool: self._keep(pool, pool)),
            (threading.Thread, self._thread),
            (types.FunctionType, self._function),
            (types.CellType, self._cell),
            (types.MethodType, self._method),
            (weakref.ReferenceType, self._reference),
            (weakref.WeakKeyDictionary, self._weak_keys),
            ((tuple, frozenset), self._frozen_container),
            (dict, self._dict),
            (deque, self._deque),
            ((list, set), self._list_or_set),
        )

    def run(self, root: T) -> T:
        try:
            made = self.of(root)
        except NotCopiedError:
            raise
        except Exception as error:
            raise NotCopiedError(
                f"a {type(root).__name__} cannot be copied: {type(error).__name__}: {error}"
            ) from error
        assert isinstance(made, type(root))
        return made

    def moved_addresses(self) -> dict[int, int]:
        """By what a tensor is known, ``id`` or address -> by what its copy is known."""
        moved = {key: int(base._cdata) for key, base in self._bases.items()}
        for was, made in self.tensors.values():
            moved[id(was)] = id(made)
            moved[address(was)] = address(made)
        return moved

    def storages(self) -> tuple[torch.UntypedStorage, ...]:
        """The new storages that hold bytes."""
        return tuple(base for base in self._bases.values() if base.device.type != "meta")

    def of(self, x: object) -> object:
        if type(x) is int:
            if x >= _IDENTITY:
                self.integers.add(x)
            return self._moved.get(x, x)
        if isinstance(x, ATOMS):
            return x
        known = self._memo.get(id(x))
        if known is not None:
            return known
        self._originals.append(x)
        return self._copied(x)

    def _keep(self, x: object, made: T) -> T:
        self._memo[id(x)] = made
        return made

    def _copied(self, x: object) -> object:
        for kinds, copy in self._ways:
            if isinstance(x, kinds):
                return copy(x)
        return self._instance(x)

    # --- tensors ---

    def _storage(self, storage: torch.UntypedStorage, key: int) -> torch.UntypedStorage:
        base = self._bases.get(key)
        if base is None:
            small = storage.nbytes() <= self.kept_bytes and key not in self.bare
            held = storage.device.type != "meta"
            copied = self._bytes_of(storage) if held and (self.values or small) else None
            for begin, size, x in self._not_copied if held else ():
                if begin <= storage.data_ptr() < begin + size:
                    raise self._over_memory(x)
            if held and not self.values:
                if self._memory.storage_of_array(storage) is not None:
                    raise NeedsValuesError(_SHARED)
                self._memory.add_storage(storage, storage)
            base = meta_storage(storage.nbytes()) if copied is None else copied
            self._bases[key] = base
        return base

    def _bytes_of(self, storage: torch.UntypedStorage) -> torch.UntypedStorage:
        shared = self._memory.storage_of_array(storage) if self.values else None
        copied = storage.clone() if shared is None else shared
        if self.values:
            self._memory.add_storage(storage, copied)
        return copied

    def _bare_storage(self, x: torch.UntypedStorage) -> torch.UntypedStorage:
        return self._keep(x, self._storage(x, int(x._cdata)))

    def _generator(self, x: torch.Generator) -> torch.Generator:
        made = torch.Generator(device=x.device)
        made.set_state(x.get_state())
        return self._keep(x, made)

    def _array(self, x: np.ndarray[Any, Any]) -> object:
        if x.dtype.hasobject:
            return self._by_parts(x)
        if not self.values and self._memory.meets_a_storage(x):
            raise NeedsValuesError(_SHARED)
        return self._keep(x, self._memory.copy_of(x))

    def _buffer(self, x: bytearray | array.array[float]) -> object:
        """Memory that a tensor may lie over; one that was copied before cannot lie over this."""
        raw = np.frombuffer(x, np.uint8)
        if self._memory.meets_a_storage(raw):
            raise self._over_memory(x)
        made = x[:]
        self._memory.add_buffer(raw, np.frombuffer(made, np.uint8))
        return self._keep(x, made)

    def _shared_buffer(self, x: memoryview | mmap.mmap | ctypes.Array[Any]) -> object:
        """Memory that is not copied: no tensor may lie over it."""
        raw = np.frombuffer(memoryview(x), np.uint8) if len(x) else np.empty(0, np.uint8)
        if raw.size and self._memory.meets_a_storage(raw):
            raise self._over_memory(x)
        self._not_copied.append((raw.ctypes.data, raw.nbytes, x))
        return self._keep(x, x)

    def _over_memory(self, x: object) -> NotCopiedError:
        kind = NotCopiedError if self.values else NeedsValuesError
        return kind(
            f"it holds a {type(x).__name__} over the memory of a tensor, which cannot be copied"
        )

    def _thread(self, x: threading.Thread) -> threading.Thread:
        if x.is_alive():
            raise NotCopiedError("a thread that it holds runs, and cannot be copied")
        return self._keep(x, x)

    def _tensor(self, x: torch.Tensor) -> torch.Tensor:
        if not has_storage(x) or x.is_quantized or x.is_nested:
            raise NotCopiedError(f"a tensor of layout {x.layout} cannot be copied")
        if id(x) in self._tensors_before:
            made = self._tensors_before[id(x)][1]
        else:
            try:
                plain = view_of(self._storage(x.untyped_storage(), storage_key(x)), x)
            except RuntimeError as error:  # of a class that wraps another tensor
                kind = type(x).__name__
                raise NotCopiedError(f"a {kind} has no memory to be copied: {error}") from error
            made = torch.Tensor._make_subclass(type(x), plain, x.requires_grad and x.is_leaf)
        self.tensors[id(x)] = (x, self._keep(x, made))
        if x.is_leaf and x.grad is not None:
            grad = self.of(x.grad)
            assert isinstance(grad, torch.Tensor)
            made.grad = grad
        for name, value in x.__dict__.items():
            made.__dict__[name] = self.of(value)
        return made

    # --- functions ---

    def _function(self, x: types.FunctionType) -> object:
        """A function with its own closure; one without a closure is the same for everybody."""
        watched = _watched(x)
        if isinstance(watched, types.MethodType):
            return self._keep(x, self.of(watched.__func__))
        if not (x.__closure__ or x.__dict__ or x.__defaults__ or x.__kwdefaults__):
            return self._keep(x, x)
        cells = None if x.__closure__ is None else tuple(types.CellType() for _ in x.__closure__)
        for cell, new in zip(x.__closure__ or (), cells or (), strict=True):
            if id(cell) not in self._memo:
                self._keep(cell, new)
        if cells is not None and x.__closure__ is not None:
            kept = tuple(self._memo[id(cell)] for cell in x.__closure__)
            cells = tuple(cell for cell in kept if isinstance(cell, types.CellType))
        made = types.FunctionType(x.__code__, x.__globals__, x.__name__, None, cells)
        self._keep(x, made)
        made.__qualname__, made.__doc__, made.__module__ = x.__qualname__, x.__doc__, x.__module__
        if x.__defaults__ is not None:
            made.__defaults__ = tuple(self.of(value) for value in x.__defaults__)
        if x.__kwdefaults__ is not None:
            made.__kwdefaults__ = {k: self.of(value) for k, value in x.__kwdefaults__.items()}
        for cell, new in zip(x.__closure__ or (), cells or (), strict=True):
            self._originals.append(cell)
            if is_filled(cell) and not is_filled(new):
                new.cell_contents = self.of(cell.cell_contents)
        for name, value in x.__dict__.items():
            made.__dict__[name] = self.of(value)
        return made

    def _cell(self, x: types.CellType) -> types.CellType:
        made = self._keep(x, types.CellType())
        if is_filled(x):
            made.cell_contents = self.of(x.cell_contents)
        return made

    # --- containers and instances ---

    def _method(self, x: types.MethodType) -> object:
        watched = _watched(x.__func__)
        if watched is not None and not isinstance(watched, types.MethodType):
            return self._keep(x, self.of(watched))
        function = self.of(x.__func__)
        assert callable(function)
        return self._keep(x, types.MethodType(function, self.of(x.__self__)))

    def _reference(self, x: weakref.ReferenceType[object]) -> object:
        referent = x()
        if referent is None or type(x) is not weakref.ReferenceType:
            return self._keep(x, x)
        return self._keep(x, weakref.ref(self.of(referent)))

    def _weak_keys(self, x: weakref.WeakKeyDictionary[object, object]) -> object:
        made = self._keep(x, weakref.WeakKeyDictionary[object, object]())
        for key, value in list(x.items()):
            made[self.of(key)] = self.of(value)
        return made

    def _frozen_container(self, x: tuple[object, ...] | frozenset[object]) -> object:
        items = [self.of(item) for item in x]
        if id(x) in self._memo:  # it holds itself, through a list
            return self._memo[id(x)]
        make: Callable[..., object] = (tuple if isinstance(x, tuple) else frozenset).__new__
        made = make(type(x), items)
        self._keep(x, made)
        self._attributes(x, made)
        return made

    def _dict(self, x: dict[object, object]) -> object:
        made = self._keep(x, type(x).__new__(type(x)))
        if isinstance(x, defaultdict) and isinstance(made, defaultdict):
            factory = self.of(x.default_factory)
            made.default_factory = factory if callable(factory) else None
        put = OrderedDict.__setitem__ if isinstance(made, OrderedDict) else dict.__setitem__
        for key, value in list(x.items()):
            put(made, self.of(key), self.of(value))
        self._attributes(x, made)
        return made

    def _deque(self, x: deque[object]) -> object:
        made = self._keep(x, type(x).__new__(type(x)))
        deque.__init__(made, (self.of(item) for item in list(x)), x.maxlen)
        self._attributes(x, made)
        return made

    def _list_or_set(self, x: list[object] | set[object]) -> object:
        made = self._keep(x, type(x).__new__(type(x)))
        for item in list(x):
            if isinstance(made, list):
                list.append(made, self.of(item))
            else:
                set.add(made, self.of(item))
        self._attributes(x, made)
        return made

    def _instance(self, x: object) -> object:
        kind = type(x)
        plain = kind.__reduce__ is object.__reduce__ and kind.__reduce_ex__ is object.__reduce_ex__
        if plain:
            try:
                made = object.__new__(kind)
            except TypeError:  # built by C code
                return self._by_parts(x)
            self._keep(x, made)
            self._attributes(x, made)
            return made
        return self._by_parts(x)

    def _attributes(self, x: object, made: object) -> None:
        for name, value in list(getattr(x, "__dict__", {}).items()):
            made.__dict__[name] = self.of(value)
        for name in slots_of(x):
            object.__setattr__(made, name, self.of(object.__getattribute__(x, name)))

    def _by_parts(self, x: object) -> object:
        """A copy as pickle makes one; what has no such, a lock or a handle, is shared."""
        try:
            parts = x.__reduce_ex__(4)
        except Exception:
            if isinstance(x, Iterator | types.CoroutineType):
                raise NotCopiedError(
                    f"a {type(x).__name__} that it holds cannot be copied, and to use it would "
                    "change it"
                ) from None
            return self._keep(x, x)
        if isinstance(parts, str):
            return self._keep(x, x)
        build, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        made = _called(self.of(build), [self.of(argument) for argument in arguments])
        self._keep(x, made)
        if state is not None:
            self._set_state(made, self.of(state))
        for item in items or ():
            _called(getattr(made, "append", None), [self.of(item)])
        for key, value in pairs or ():
            _called(getattr(made, "__setitem__", None), [self.of(key), self.of(value)])
        return made

    def _set_state(self, made: object, state: object) -> None:
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
        for part in parts:
            if isinstance(part, dict):
                for name, value in part.items():
                    object.__setattr__(made, name, value)


def _watched(function: object) -> object:
    """The method that a function stands in for; None for others, also for one that wraps such."""
    watched: object = getattr(function, STANDS_IN_FOR, None)
    wrapped: object = getattr(function, "__wrapped__", None)
    return watched if wrapped is getattr(watched, "__func__", watched) else None


def _called(build: object, arguments: list[object]) -> object:
    assert callable(build)
    made: object = build(*arguments)
    return made
