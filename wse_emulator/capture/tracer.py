"""The dispatch-level tracer: records every tensor op that a call issues.

It sees what the real ``step()`` dispatches, so an optimizer needs no registration. Values are
never read. Reading one from Python is itself a violation and is recorded as such.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.capture.decompositions import decomposed, tensors_in
from wse_emulator.capture.schemas import plain_argument, schema_of
from wse_emulator.capture.storages import StorageTable, dtype_name, storage_key
from wse_emulator.ops.table import describes
from wse_emulator.program import Argument, Arguments, Read, TensorOp, ValueKind

_HOST_READS: Final = frozenset(
    {"aten._local_scalar_dense.default", "aten.equal.default", "aten.is_nonzero.default"}
)
_HOST_READ_METHODS: Final = ("tolist", "numpy", "cpu", "__array__")
_WRITABLE: Final = frozenset(
    {
        ValueKind.PARAMETER,
        ValueKind.STATE,
        ValueKind.RATE,
        ValueKind.SCHEDULE,
        ValueKind.TEMPORARY,
    }
)


@dataclass(frozen=True, slots=True)
class HostRead:
    """Python read a tensor's value: the call, the value (None: not known), and ``, file:line``."""

    call: str
    value: int | None
    where: str


@dataclass(frozen=True, slots=True)
class ForeignWrite:
    """An op wrote to a value that is neither a parameter nor declared state."""

    op: str
    value: int
    where: str


class StepTracer:
    """Records the ops of the calls made inside its ``with`` block.

    Attributes:
        ops: the ops recorded so far, over ``table.values``.
        host_reads: reads of tensor values from Python.
        foreign_writes: writes outside parameters and declared state.
        recording: False while a closure runs, whose ops are no part of the step.
        scaling_gradients: True while gradients are clipped or unscaled, the one place where they
            may be written.
    """

    def __init__(self, table: StorageTable) -> None:
        self.table = table
        self.ops: list[TensorOp] = []
        self.host_reads: list[HostRead] = []
        self.foreign_writes: list[ForeignWrite] = []
        self.recording = True
        self.scaling_gradients = False
        self._dispatch = _RecordDispatch(self)
        self._watch = _WatchHostReads(self)
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._entered.enter_context(self._watch)
        self._entered.enter_context(self._dispatch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.__exit__(kind, error, trace)

    def host_read(self, call: str, tensor: torch.Tensor | None) -> None:
        """Record that Python reads the value of ``tensor`` (None: not a single tensor)."""
        value = None
        if tensor is not None:
            value = self.table.lookup(tensor)
            if value is None:
                value = self.table.constant(tensor)
        self.host_reads.append(HostRead(call, value, _caller()))

    def made_from_python(self, tensor: torch.Tensor, data: object) -> None:
        """Name the result of ``torch.tensor(data)`` after its numbers, which the graph holds."""
        if self.table.lookup(tensor) is None:
            self.table.declare(tensor, f"tensor({data!r:.60})", ValueKind.CONSTANT, None)

    def record(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        result: object,
    ) -> None:
        """Record one dispatched op with its result."""
        schema = schema_of(func)
        if schema.name == "aten.lift_fresh.default":
            return  # torch.tensor(data) makes its result known: see made_from_python
        call = _Call(self.table)
        held = schema.bound(arguments, keywords, call.argument)
        writes = [call.reads[i] for place in schema.written for i in _positions(held[place])]
        outputs = list(tensors_in(result))
        fresh = [x for x in outputs if storage_key(x) not in call.storages]
        if not writes and not fresh:
            return  # a view, or an op on no tensor at all: nothing moves
        named = Arguments.of(schema.names, held)
        if not describes(schema.name, named) and self._in_parts(func, arguments, keywords, result):
            return
        owner = self._owner(call.reads)
        for x in fresh:
            known = self.table.lookup(x)
            writes.append(self.table.temporary(x, owner) if known is None else known)
        target = outputs[0] if outputs else None
        for index in writes:
            kind = self.table.values[index].kind
            if kind is ValueKind.GRADIENT and self.scaling_gradients:
                continue
            if kind not in _WRITABLE:
                self.foreign_writes.append(ForeignWrite(schema.name, index, _caller()))
        self.ops.append(
            TensorOp(
                index=len(self.ops),
                name=schema.name,
                owner=owner,
                reads=tuple(call.reads),
                writes=tuple(writes),
                shape=() if target is None else tuple(target.shape),
                dtype="float32" if target is None else dtype_name(target.dtype),
                arguments=named,
                read_shapes=tuple(call.shapes),
                read_strides=tuple(call.strides),
                read_offsets=tuple(call.offsets),
            )
        )

    def _in_parts(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        result: object,
    ) -> bool:
        """Record an op without a record as the ops it consists of; False if it has no such."""
        self.recording = False
        try:
            parts = decomposed(func, arguments, keywords)
        finally:
            self.recording = True
        if parts is None or not parts.gives(result):
            return False
        for real, double in parts.stands_for:
            known = self.table.lookup(real)
            self.table.alias(double, self.table.constant(real) if known is None else known)
        for part in parts.ops:
            self.record(part.func, part.arguments, part.keywords, part.result)
        for real, double in zip(tensors_in(result), tensors_in(parts.result), strict=True):
            made = self.table.lookup(double)
            if made is not None and self.table.lookup(real) is None:
                self.table.alias(real, made)
        return True

    def _owner(self, reads: Iterable[int]) -> int | None:
        owners = {self.table.values[i].parameter for i in reads}
        owners.discard(None)
        return owners.pop() if len(owners) == 1 else None


class _RecordDispatch(TorchDispatchMode):
    """Hands each dispatched op with its result to the tracer."""

    def __init__(self, tracer: StepTracer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        self._tracer = tracer

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = kwargs or {}
        if func.namespace == "profiler" or not self._tracer.recording:
            return func(*args, **keywords)
        if str(func) in _HOST_READS:
            tensor = args[0] if args and isinstance(args[0], torch.Tensor) else None
            self._tracer.host_read(str(func), tensor)
            return func(*args, **keywords)
        result = func(*args, **keywords)
        self._tracer.record(func, args, keywords, result)
        return result


class _WatchHostReads(TorchFunctionMode):
    """Catches reads that never reach the dispatcher: ``tolist``, ``numpy``, ``cpu``."""

    def __init__(self, tracer: StepTracer) -> None:
        super().__init__()
        self._tracer = tracer

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        name = getattr(func, "__name__", "")
        if not self._tracer.recording:
            return func(*args, **(kwargs or {}))
        if name in _HOST_READ_METHODS and args and isinstance(args[0], torch.Tensor):
            self._tracer.host_read(f".{name}()", args[0])
        result = func(*args, **(kwargs or {}))
        if func is torch.tensor and isinstance(result, torch.Tensor):
            self._tracer.made_from_python(result, args[0] if args else None)
        return result


class _Call:
    """Reads the arguments of one call; keeps of each tensor its value and its view of it."""

    __slots__ = ("offsets", "reads", "shapes", "storages", "strides", "table")

    def __init__(self, table: StorageTable) -> None:
        self.table = table
        self.reads: list[int] = []
        self.shapes: list[tuple[int, ...]] = []
        self.strides: list[tuple[int, ...]] = []
        self.offsets: list[int] = []
        self.storages: set[int] = set()

    def argument(self, given: object) -> Argument:
        """The argument as the program keeps it."""
        if isinstance(given, torch.Tensor):
            known = self.table.lookup(given)
            value = self.table.constant(given) if known is None else known
            self.reads.append(value)
            self.storages.add(storage_key(given))
            self.shapes.append(tuple(given.shape))
            self.strides.append(given.stride())
            self.offsets.append(int(given.storage_offset()) - self.table.begin_of(value))
            return _read(len(self.reads) - 1)
        if isinstance(given, (list, tuple)):
            return tuple(self.argument(item) for item in given)
        return plain_argument(given)


_read = functools.lru_cache(maxsize=64)(Read)
"""One object for each position: a program of 100,000 ops has as many arguments and more."""


def _positions(argument: Argument) -> Iterator[int]:
    if isinstance(argument, Read):
        yield argument.position
    elif isinstance(argument, tuple):
        for item in argument:
            yield from _positions(item)


def _caller() -> str:
    """``, file.py:12`` of the innermost frame of the optimizer's own code, if it has any.

    Outside this file and torch lies either the user's optimizer or, for an optimizer of torch,
    the capture that called it.
    """
    passed_over = (str(Path(torch.__file__).parent), __file__, "<")
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(passed_over):
        frame = frame.f_back
    file = Path(frame.f_code.co_filename)
    return "" if file.parent == Path(__file__).parent else f", {file.name}:{frame.f_lineno}"
