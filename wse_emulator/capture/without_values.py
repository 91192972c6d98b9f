"""Code of a user runs on tensors without values as if they lay in memory.

Tensors on the meta device have shapes and no values. Inside :class:`WithoutValues` they meet real
tensors: what has no value makes the result of an op have none, small numbers keep theirs, and no
real tensor from outside is written. Asking for a value that is not there raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.capture.copies import MetaDoubles, address
from wse_emulator.capture.decompositions import tensors_in
from wse_emulator.capture.schemas import schema_of
from wse_emulator.capture.storages import storage_key

MOST_MADE: Final = 64
"""A tensor made of nothing, as by ``zeros`` or ``rand``, has values up to this many elements."""

_READS: Final = frozenset(
    {"aten._local_scalar_dense.default", "aten.equal.default", "aten.is_nonzero.default"}
)
_CPU: Final = torch.device("cpu")


class NoValueError(RuntimeError):
    """A value was asked for that a tensor on the meta device does not have."""


class WithoutValues:
    """A ``with`` block in which tensors on the meta device pass for tensors on the CPU.

    Args:
        own: storages in memory that may be written, beside those that are made inside.

    Attributes:
        as_on_cpu: the part that answers ``tensor.device``; to be entered around the user's own code
            alone, since the emulator asks for devices too.
    """

    def __init__(self, own: Iterable[torch.UntypedStorage] = ()) -> None:
        self._dispatch = _Dispatch()
        for storage in own:
            self._dispatch.allow(storage)
        self._entered = ExitStack()
        self.as_on_cpu = _AsOnCpu

    @property
    def lost(self) -> frozenset[int]:
        """Keys of storages in memory that no longer hold what the code has written to them."""
        return frozenset(self._dispatch.spoiled)

    def __enter__(self) -> Self:
        self._entered.enter_context(self._dispatch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.__exit__(kind, error, trace)


class _Dispatch(TorchDispatchMode):
    """Runs an op without values where one of its tensors has none."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        self._doubles = MetaDoubles()
        self._made: set[int] = set()
        self.spoiled: set[int] = set()
        self._held: list[StorageWeakRef] = []

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = dict(kwargs or {})
        tensors = [*tensors_in(args), *tensors_in(list(keywords.values()))]
        if not tensors:
            return self._new(func, args, keywords)
        real = [x for x in tensors if not x.is_meta and x.layout is torch.strided]
        if str(func) in _READS and any(x.is_meta or self._is_spoiled(x) for x in tensors):
            raise NoValueError(f"{func} asks for a value")
        if len(real) == len(tensors) and not any(self._is_spoiled(x) for x in real):
            written = [x for x in self._written(func, args, keywords) if not self._is_made(x)]
            if not written:
                result = func(*args, **keywords)
                self._keep_new(func, real, result)
                return result
        return self._on_meta(func, args, keywords, real)

    def _on_meta(
        self,
        func: torch._ops.OpOverload,
        args: tuple[object, ...],
        keywords: dict[str, object],
        real: Sequence[torch.Tensor],
    ) -> object:
        for x in self._written(func, args, keywords):
            if not x.is_meta:
                self._spoil(x)
        device = keywords.get("device")
        if isinstance(device, torch.device) and device.type != "meta":
            keywords["device"] = torch.device("meta")
        if not real:
            return func(*args, **keywords)
        doubles = {id(x): self._doubles.of(x) for x in real}
        result = func(
            *(_exchanged(x, doubles) for x in args),
            **{name: _exchanged(x, doubles) for name, x in keywords.items()},
        )
        back = {id(doubles[id(x)]): x for x in real}
        return _exchanged(result, back)

    def _new(
        self,
        func: torch._ops.OpOverload,
        args: tuple[object, ...],
        keywords: dict[str, object],
    ) -> object:
        """What is made of nothing: real if it is small, otherwise without values."""
        if "device" not in schema_of(func).names:
            return func(*args, **keywords)
        result = func(*args, **{**keywords, "device": torch.device("meta")})
        if not isinstance(result, torch.Tensor) or result.numel() > MOST_MADE:
            return result
        device = keywords.get("device")
        if isinstance(device, torch.device) and device.type == "meta":
            return result
        real = func(*args, **keywords)
        self._keep_new(func, (), real)
        return real

    def _written(
        self,
        func: torch._ops.OpOverload,
        args: Sequence[object],
        keywords: Mapping[str, object],
    ) -> list[torch.Tensor]:
        schema = schema_of(func)
        held = {
            **dict(zip(schema.names, args, strict=False)),
            **keywords,
        }
        return [x for place in schema.written for x in tensors_in(held.get(schema.names[place]))]

    def _is_spoiled(self, x: torch.Tensor) -> bool:
        return bool(self.spoiled) and not x.is_meta and storage_key(x) in self.spoiled

    def _is_made(self, x: torch.Tensor) -> bool:
        return storage_key(x) in self._made

    def allow(self, storage: torch.UntypedStorage) -> None:
        """Let a storage in memory be written, as one that was made inside."""
        key = int(storage._cdata)
        if key not in self._made:
            self._made.add(key)
            self._held.append(StorageWeakRef(storage))

    def _keep_new(
        self, func: torch._ops.OpOverload, real: Sequence[torch.Tensor], result: object
    ) -> None:
        """Note the storages that an op has just made, and those made of Python data."""
        known = set() if str(func) == "aten.lift_fresh.default" else {storage_key(x) for x in real}
        for x in tensors_in(result):
            if not x.is_meta and x.layout is torch.strided and storage_key(x) not in known:
                self.allow(x.untyped_storage())

    def _spoil(self, x: torch.Tensor) -> None:
        """Note that a storage in memory no longer holds what the code has written to it."""
        key = storage_key(x)
        if key not in self.spoiled:
            self.spoiled.add(key)
            self._held.append(StorageWeakRef(x.untyped_storage()))


def _exchanged(argument: object, other: Mapping[int, torch.Tensor]) -> object:
    if isinstance(argument, torch.Tensor):
        return other.get(id(argument), argument)
    if isinstance(argument, (list, tuple)):
        return type(argument)(_exchanged(item, other) for item in argument)
    return argument


class _AsOnCpu(TorchFunctionMode):
    """Tells the user's code that tensors without values lie on the CPU."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = dict(kwargs or {})
        first = args[0] if args else None
        if not isinstance(first, torch.Tensor):
            return func(*args, **keywords)
        if func in _DEVICE_READS:
            answer = func(first)
            return _DEVICE_READS[func] if _is_meta(first) else answer
        name = getattr(func, "__name__", "")
        if name == "new_tensor":
            keywords.setdefault("dtype", first.dtype)
            data = args[1] if len(args) > 1 else keywords.pop("data")
            keywords.pop("device", None)
            return torch.tensor(data, **keywords)  # type: ignore[arg-type]  # as it was given
        if name == "data_ptr" and _is_meta(first):
            with torch._C.DisableTorchFunction():
                return address(first)
        if name == "to" and _is_meta(first):
            return _to(func, first, args[1:], keywords)
        return func(*args, **keywords)


_DEVICE_READS: Final[Mapping[object, object]] = {
    torch.Tensor.device.__get__: _CPU,
    torch.Tensor.is_meta.__get__: False,  # type: ignore[attr-defined]  # likewise
    torch.Tensor.is_cpu.__get__: True,  # type: ignore[attr-defined]  # likewise
}


def _is_meta(tensor: torch.Tensor) -> bool:
    with torch._C.DisableTorchFunction():
        return tensor.is_meta


def _to(
    func: Callable[..., object],
    tensor: torch.Tensor,
    given: tuple[object, ...],
    keywords: dict[str, object],
) -> object:
    """``tensor.to(...)`` without the device, which it lies on already as far as anybody knows."""
    rest = [x for x in given if not (isinstance(x, (str, torch.device)) and _is_cpu(x))]
    if "device" in keywords and _is_cpu(keywords["device"]):
        del keywords["device"]
    if not rest and not {"dtype", "memory_format", "copy"} & set(keywords):
        return tensor
    return func(tensor, *rest, **keywords)


def _is_cpu(device: object) -> bool:
    return isinstance(device, (str, torch.device)) and torch.device(device).type == "cpu"
