"""What a step reaches beside its optimizer stays as it was: global tensors, numbers and generators.

A copy of an optimizer still reaches what its code names globally. Whatever the step does to that is
undone when the step has been judged.
"""

from __future__ import annotations

import functools
import gc
import random
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.capture.decompositions import tensors_in
from wse_emulator.capture.doubles import StorageSet, has_storage
from wse_emulator.capture.schemas import schema_of
from wse_emulator.capture.storages import storage_key

_NOT_A_USERS: Final = ("torch", "numpy", "optimizers", "schedulers", "wse_emulator", "builtins")
_LIBRARIES: Final = tuple(
    {str(Path(sysconfig.get_path(key)).resolve()) for key in ("stdlib", "purelib", "platlib")}
)

_DEEPEST: Final = 4
"""Objects within objects of a module that are looked at."""

_MOST_ENTRIES: Final = 10_000
"""A longer list or dict, such as a data set, is not looked into."""


_MOST_BYTES: Final = 1 << 24
"""A larger array of NumPy is not kept."""


@contextmanager
def untouched(used: Iterable[object], own: Iterable[torch.UntypedStorage] | None) -> Iterator[None]:
    """Undo at the end what happens inside to tensors and numbers that the code names globally.

    Generators of random numbers that all code shares are put back too.

    Args:
        used: optimizers and schedulers; the modules of their classes are looked at.
        own: storages that may be written, beside those that are made inside; None if no storage
            from outside can be written.
    """
    names = [_Names(space) for space in _spaces(used)]
    caches = _caches()
    setters = _Setters()
    kept = _Bytes(own or ())
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  what users use
    try:
        with torch.random.fork_rng(), ExitStack() as entered:
            entered.enter_context(setters)
            if own is not None:
                entered.enter_context(kept)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002  likewise
        setters.undo()
        kept.undo()
        for space in names:
            space.undo()
        for cache, before in caches:
            if cache.cache_info().misses != before:
                cache.cache_clear()  # what it has made since may be a tensor without values


def _caches() -> list[tuple[functools._lru_cache_wrapper[object], int]]:
    """Functions of the user whose results ``lru_cache`` keeps, and how often each has run."""
    return [
        (found, found.cache_info().misses)
        for found in gc.get_objects()
        if type(found) is functools._lru_cache_wrapper
        and _is_users(sys.modules.get(found.__module__))
    ]


class _Setters(TorchFunctionMode):
    """Keeps what ``tensor.data = x`` and ``tensor.grad = x`` put an end to."""

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[tuple[int, bool], tuple[torch.Tensor, torch.Tensor | None]] = {}

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        if func in _SETTERS and isinstance(args[0], torch.Tensor):
            data = func == _SETTERS[0]
            tensor = args[0]
            now = tensor.data if data else tensor.grad
            self._before.setdefault((id(tensor), data), (tensor, now))
        return func(*args, **(kwargs or {}))

    def undo(self) -> None:
        """Give every tensor the data and the gradient that it had."""
        for (_, data), (tensor, before) in self._before.items():
            if not data:
                tensor.grad = before
            elif before is not None:
                tensor.data = before


_SETTERS: Final = (
    torch.Tensor.data.__set__,  # type: ignore[attr-defined]  # a descriptor of C code
    torch.Tensor.grad.__set__,  # type: ignore[union-attr]  # likewise
)


class _Bytes(TorchDispatchMode):
    """Keeps the bytes of a storage from outside before it is written for the first time."""

    def __init__(self, own: Iterable[torch.UntypedStorage]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        self._own = StorageSet(own)
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = kwargs or {}
        for tensor in tensors_in(schema_of(func).written_by(args, keywords)):
            if not has_storage(tensor) or tensor.is_meta or tensor in self._own:
                continue
            storage = tensor.untyped_storage()
            if storage_key(tensor) not in self._before:
                self._before[storage_key(tensor)] = (storage, storage.clone())
        result = func(*args, **keywords)
        self._own.add_made(func, tensors_in([*args, *keywords.values()]), result)
        return result

    def undo(self) -> None:
        """Write the kept bytes back."""
        for storage, before in self._before.values():
            if storage.nbytes() != before.nbytes():
                storage.resize_(before.nbytes())
            storage.copy_(before)


class _Names:
    """The tensors and numbers among the names of one namespace, or the places of one list.

    Arrays of NumPy keep their contents.
    """

    def __init__(self, space: object) -> None:
        self._space = space
        self._before = dict(_entries(space))
        arrays = (x for x in self._before.values() if isinstance(x, np.ndarray))
        self._arrays = [(x, x.copy()) for x in arrays if x.nbytes <= _MOST_BYTES and x.base is None]

    def undo(self) -> None:
        """Put back every tensor and number that is another one now, or is gone."""
        for array, contents in self._arrays:
            if array.flags.writeable:
                array[...] = contents
        now = dict(_entries(self._space))
        was = self._before
        changed = {key for key in was.keys() & now.keys() if was[key] is not now[key]}
        wrong = {key for key in changed if isinstance(was[key], _PLAIN)}
        wrong |= {key for key in was.keys() - now.keys() if isinstance(was[key], _PLAIN)}
        new = {key for key in now.keys() - was.keys() if isinstance(now[key], _PLAIN)}
        if isinstance(self._space, (list, deque)):
            if wrong or new:
                self._space.clear()
                self._space.extend(was.values())
            return
        for key in wrong:
            _put(self._space, key, was[key])
        for key in new:
            _remove(self._space, key)


_PLAIN: Final = (bool, int, float, complex, torch.Tensor)


def _entries(space: object) -> list[tuple[object, object]]:
    if isinstance(space, (list, deque)):
        return list(enumerate(space))
    return list(space.items() if isinstance(space, dict) else vars(space).items())


def _put(space: object, key: object, value: object) -> None:
    if isinstance(space, dict):
        space[key] = value
    else:
        setattr(space, str(key), value)


def _remove(space: object, key: object) -> None:
    if isinstance(space, dict):
        del space[key]
    else:
        delattr(space, str(key))


def _spaces(used: Iterable[object]) -> list[object]:
    """Namespaces of the user's modules: of classes, objects, dicts and lists in them."""
    found: dict[int, object] = {}
    waiting: list[tuple[object, int]] = [(module, 0) for module in _modules_of_users(used)]
    while waiting:
        space, depth = waiting.pop()
        if id(space) in found:
            continue
        found[id(space)] = space
        entries = _entries(space)
        if depth < _DEEPEST and len(entries) <= _MOST_ENTRIES:
            waiting += [(value, depth + 1) for _, value in entries if _is_space(value)]
    return list(found.values())


def _is_space(value: object) -> bool:
    kind = value if isinstance(value, type) else type(value)
    if kind in (list, dict, deque):
        return not isinstance(value, type)
    if isinstance(value, ModuleType):
        return _is_users(value)
    own = isinstance(value, torch.nn.Module) or _is_users(sys.modules.get(kind.__module__))
    return own and hasattr(value, "__dict__")


def _modules_of_users(used: Iterable[object]) -> list[ModuleType]:
    """The modules of the classes of some objects, but for those of libraries."""
    names = {kind.__module__ for x in used for kind in type(x).__mro__}
    found = [sys.modules.get(name) for name in sorted(names)]
    return [module for module in found if module is not None and _is_users(module)]


def _is_users(module: ModuleType | None) -> bool:
    """Whether a module is a user's own, no library."""
    if module is None or module.__name__.partition(".")[0] in _NOT_A_USERS:
        return False
    file = getattr(module, "__file__", None)
    if file is None:  # of a notebook, or of an interpreter that is typed into
        return module.__name__ == "__main__"
    return not str(Path(file).resolve()).startswith(_LIBRARIES)
