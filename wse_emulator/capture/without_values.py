"""Code of a user runs on tensors without values as if they lay in memory.

Tensors on the meta device have shapes and no values. Inside :class:`WithoutValues` they meet real
tensors: what has no value makes the result of an op have none, small numbers keep theirs, and no
real tensor from outside is written. Asking for a value that is not there raises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import optimizers
from wse_emulator.capture.decompositions import tensors_in
from wse_emulator.capture.doubles import MetaDoubles, StorageSet, address, has_storage
from wse_emulator.capture.schemas import schema_of

MOST_MADE: Final = 64
"""A tensor made of nothing, as by ``zeros`` or ``rand``, has values up to this many elements."""

_READS: Final = frozenset(
    {"aten._local_scalar_dense.default", "aten.equal.default", "aten.is_nonzero.default"}
)
_MOVE: Final = ("aten.set_", "aten.resize_")
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
            self._dispatch.made.add(storage)
        self._entered = ExitStack()
        self.as_on_cpu = _AsOnCpu

    @property
    def lost(self) -> frozenset[int]:
        """Keys of storages in memory that no longer hold what the code has written to them."""
        return self._dispatch.spoiled.keys

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
        self.made = StorageSet()
        self.spoiled = StorageSet()

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
        real = [x for x in tensors if not x.is_meta and has_storage(x)]
        if str(func) in _READS and any(x.is_meta or self._is_spoiled(x) for x in tensors):
            raise NoValueError(f"{func} asks for a value")
        known = not any(self._is_spoiled(x) for x in real)
        if len(real) == len(tensors) and (known or func.is_view):
            written = [x for x in self._written(func, args, keywords) if x not in self.made]
            if not written:
                result = func(*args, **keywords)
                self.made.add_made(func, real, result)
                return result
        return self._on_meta(func, args, keywords, real)

    def _on_meta(
        self,
        func: torch._ops.OpOverload,
        args: tuple[object, ...],
        keywords: dict[str, object],
        real: Sequence[torch.Tensor],
    ) -> object:
        for x in self._written(func, args, keywords) if real else ():
            if not x.is_meta:
                if torch.Tag.inplace_view in func.tags or str(func).startswith(_MOVE):
                    raise NoValueError(f"{func} puts a tensor without values in place of another")
                self.spoiled.add(x.untyped_storage())
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
        bare = {**keywords, "generator": None} if "generator" in keywords else keywords
        result = func(*args, **{**bare, "device": torch.device("meta")})
        if not isinstance(result, torch.Tensor) or result.numel() > MOST_MADE:
            return result
        device = keywords.get("device")
        if isinstance(device, torch.device) and device.type == "meta":
            return result
        real = func(*args, **keywords)
        self.made.add_made(func, (), real)
        return real

    def _written(
        self,
        func: torch._ops.OpOverload,
        args: Sequence[object],
        keywords: Mapping[str, object],
    ) -> list[torch.Tensor]:
        return list(tensors_in(schema_of(func).written_by(args, keywords)))

    def _is_spoiled(self, x: torch.Tensor) -> bool:
        return bool(self.spoiled) and has_storage(x) and x in self.spoiled


def _exchanged(argument: object, other: Mapping[int, torch.Tensor]) -> object:
    if isinstance(argument, torch.Tensor):
        return other.get(id(argument), argument)
    if isinstance(argument, (list, tuple)):
        return type(argument)(_exchanged(item, other) for item in argument)
    return argument


class _AsOnCpu(TorchFunctionMode):
    """Tells the user's code that tensors without values lie on the CPU.

    ``draws``: random numbers are drawn by torch's initial values too, as a step would draw them.
    """

    def __init__(self, *, draws: bool = False) -> None:
        super().__init__()
        self._draws = draws

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        first = args[0] if args else None
        if func == torch.Tensor.data_ptr and sys._getframe(1).f_code.co_filename.startswith(_OWN):
            assert isinstance(first, torch.Tensor)
            with torch._C.DisableTorchFunction():
                return address(first)  # to tell whether state is what it was
        if isinstance(first, torch.Tensor) and _is_meta(first):
            if func in _GETTERS:
                return _GETTERS[func]()
            if func == _IS_META:
                return _asked_by_torch(but_initial_values=self._draws)
            answer = _ANSWERS.get(getattr(func, "__name__", ""))
            if answer is not None:
                return answer(func, first, args[1:], dict(kwargs or {}))
        return func(*args, **(kwargs or {}))


_OWN: Final = str(Path(optimizers.__file__).parent)
_TORCH: Final = str(Path(torch.__file__).parent)
_PASSED_ON_BY: Final = ("_compile.py", "eval_frame.py", "overrides.py", "_contextlib.py", __file__)


def _asked_by_torch(*, but_initial_values: bool) -> bool:
    """Whether code of torch asks, which has a branch for tensors without values.

    That of ``torch.nn.init`` leaves out the numbers that it would draw.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.endswith(_PASSED_ON_BY):
        frame = frame.f_back
    file = frame.f_code.co_filename
    return file.startswith(_TORCH) and not (but_initial_values and file == torch.nn.init.__file__)


_GETTERS: Final[Mapping[object, Callable[[], object]]] = {
    torch.Tensor.device.__get__: lambda: _CPU,
    torch.Tensor.is_cpu.__get__: lambda: True,  # type: ignore[attr-defined]  # likewise
}
"""What ``tensor.device`` and its kin answer for a tensor without values."""
_IS_META: Final = torch.Tensor.is_meta.__get__  # type: ignore[attr-defined]  # a descriptor of C


def _is_meta(tensor: torch.Tensor) -> bool:
    with torch._C.DisableTorchFunction():
        return tensor.is_meta


def _new_tensor(
    func: Callable[..., object],  # noqa: ARG001  called as the other
    tensor: torch.Tensor,
    given: tuple[object, ...],
    keywords: dict[str, object],
) -> torch.Tensor:
    """``tensor.new_tensor(data)`` with the values of the data."""
    data = given[0] if given else keywords.pop("data")
    keywords.pop("device", None)
    dtype = keywords.pop("dtype", None)
    assert dtype is None or isinstance(dtype, torch.dtype)
    return torch.tensor(
        data,
        dtype=tensor.dtype if dtype is None else dtype,
        requires_grad=bool(keywords.pop("requires_grad", False)),
    )


_Parsed = tuple[torch.device | None, torch.dtype | None, bool, torch.memory_format | None]
_parse_to: Final[Callable[..., _Parsed]] = torch._C._nn._parse_to


def _to(
    func: Callable[..., object],
    tensor: torch.Tensor,
    given: tuple[object, ...],
    keywords: dict[str, object],
) -> object:
    """``tensor.to(...)`` without the device, on which it lies already as far as anybody knows.

    A step that names the host, as in ``to("cpu")``, breaks a rule, which is seen if it is asked.
    """
    if any(isinstance(x, str) for x in (*given, keywords.get("device"))):
        return func(tensor, *given, **keywords)
    copy = keywords.pop("copy", False)
    other = given[0] if given else keywords.get("other")
    if isinstance(other, torch.Tensor):
        given, keywords = (_CPU, other.dtype), {}
    device, dtype, _, layout = _parse_to(*given, **keywords)
    if device is not None and device.type != "cpu":
        return func(tensor, *given, **keywords, copy=copy)
    form = {} if layout is None else {"memory_format": layout}
    return func(tensor, tensor.dtype if dtype is None else dtype, copy=copy, **form)


_ANSWERS: Final[Mapping[str, Callable[..., object]]] = {
    "to": _to,
    "new_tensor": _new_tensor,
}
"""Methods that would tell that a tensor has no values, and what stands in for them."""
