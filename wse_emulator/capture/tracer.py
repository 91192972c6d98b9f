"""The dispatch-level tracer: records every tensor op that a call issues.

It sees what the real ``step()`` dispatches, so an optimizer needs no registration. Values are
never read. Reading one from Python is itself a violation and is recorded as such.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.capture.acts import Act, ForeignWrite, Seen, act_of
from wse_emulator.capture.addresses import NoAddressError, told_of_addresses
from wse_emulator.capture.caller import caller
from wse_emulator.capture.contents import contents_of, name_of_contents, name_of_data
from wse_emulator.capture.decompositions import decomposed, tensors_in
from wse_emulator.capture.host_reads import WatchCalls, watched_methods
from wse_emulator.capture.lineage import Constant, ContentsGuard, Lineage, MadeBefore
from wse_emulator.capture.operands import Operands, positions
from wse_emulator.capture.python_data import PythonData
from wse_emulator.capture.schemas import schema_of
from wse_emulator.capture.storages import StorageTable, dtype_name, place_of, storage_key
from wse_emulator.capture.threads import entered_in_threads
from wse_emulator.ops.table import describes
from wse_emulator.program import Arguments, TensorOp, Value, ValueKind

_ALWAYS_WRITABLE: Final = (ValueKind.PARAMETER, ValueKind.STATE, ValueKind.TEMPORARY)
_LIFT: Final = "aten.lift_fresh.default"
_MAY_COPY: Final = "aten.contiguous.default"
_IN_ANOTHER_THREAD: Final = " in another thread"
_OF_THE_LOSS_SCALE: Final = "loss scale."


class StepTracer:
    """Records the ops of the calls made inside its ``with`` block.

    Attributes:
        ops: the ops recorded so far, over ``table.values``.
        seen: reads of values from Python, random numbers and the like.
        foreign_writes: writes outside parameters and declared state.
        constants: what is read and neither declared nor made by an op, by index of the value;
            kept only with a lineage.
        writes: how many ops wrote each storage, by its address.
        recording: False while a closure runs, whose ops are no part of the step.
        scaling_gradients: True while gradients are clipped or unscaled, the one place where they
            may be written.
        updating_rates: True while the schedule runs, which may write rates.
        kept: says where the optimizer keeps a storage of an earlier step, as a phrase.
        without_values: whether parameters lie on the meta device, whose addresses are none.
    """

    def __init__(
        self,
        table: StorageTable,
        lineage: Lineage | None = None,
        guard: ContentsGuard | None = None,
    ) -> None:
        self.table = table
        self.ops: list[TensorOp] = []
        self.seen: list[Seen] = []
        self.foreign_writes: list[ForeignWrite] = []
        self.constants: dict[int, Constant] = {}
        self.writes: Counter[int] = Counter()
        self.recording = True
        self.scaling_gradients = False
        self.updating_rates = False
        self._lineage = lineage
        self._values = lineage is not None and lineage.values
        self._guard = guard
        self.without_values = False
        self.kept: Callable[[MadeBefore], str] = lambda _: ""
        self._declared = len(table.values)
        self._from_python = PythonData()
        self._old: dict[int, MadeBefore] = {}
        self._taking_apart = False
        self._thread = threading.get_ident()
        self._local = threading.local()
        self._inside = False
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._inside = True
        if self._values:
            self._entered.enter_context(watched_methods(self))
            self._entered.enter_context(entered_in_threads(self._enter_thread, self._other_threads))
            self._entered.enter_context(told_of_addresses(self._address_used))
        self._entered.enter_context(WatchCalls(self))
        self._entered.enter_context(_RecordDispatch(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inside = False
        self._entered.__exit__(kind, error, trace)

    @property
    def listening(self) -> bool:
        """Whether the calls that are made now belong to the step."""
        return self.recording and self._inside

    def host_read(self, call: str, tensor: torch.Tensor | None) -> None:
        """Record that Python reads the value of ``tensor`` (None: not a single tensor)."""
        self._saw(Act.HOST_READ, call, tensor)

    def storage_read(self, call: str, storage: torch.UntypedStorage) -> None:
        """Record that Python reads a storage."""
        value = self.table.value_at(int(storage._cdata))
        self.seen.append(Seen(Act.HOST_READ, call, value.index if value else None, caller()))

    def made_from_python(self, tensor: torch.Tensor, data: object) -> None:
        """Name the result of ``torch.tensor(data)`` after its numbers, which the graph holds."""
        with _Unheard(self):
            known = self.table.lookup(tensor)
            if known is None:
                known = self._add_data(tensor)
            if known in self._from_python:
                self.table.rename(known, name_of_data(data, tensor))

    def dispatched(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
    ) -> object:
        """Run one dispatched op and record it, and what it does beside."""
        act = act_of(func, arguments)
        if threading.get_ident() != self._thread:
            self.seen.append(Seen(act or Act.THREAD, f"{func}{_IN_ANOTHER_THREAD}", None, caller()))
            return func(*arguments, **keywords)
        given = tensors_in([*arguments, *keywords.values()])
        if self._lies_elsewhere(func, given):
            return func(*arguments, **keywords)
        if act is not None:
            self._saw(act, str(func), next(tensors_in(arguments), None))
            if act is Act.HOST_READ:
                return func(*arguments, **keywords)
        if self._guard:
            return self._guarded(self._guard, func, arguments, keywords)
        return self._run(func, arguments, keywords)

    def _run(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
    ) -> object:
        result = func(*arguments, **keywords)
        if not self._lies_elsewhere(func, tensors_in(result)):
            self.record(func, arguments, keywords, result)
        return result

    def _guarded(
        self,
        guard: ContentsGuard,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
    ) -> object:
        """Run and record one op; compare its tensors before, and keep what it has written."""
        given = tensors_in([*arguments, *keywords.values()])
        storages = {storage_key(x) for x in given if x.layout is torch.strided}
        with _Unheard(self):
            guard.compare(storages)
        before = self.writes.copy()
        result = self._run(func, arguments, keywords)
        with _Unheard(self):
            guard.wrote(storage for storage in storages if self.writes[storage] > before[storage])
        return result

    def record(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        result: object,
    ) -> None:
        """Record one dispatched op with its result."""
        schema = schema_of(func)
        if schema.name == _LIFT:
            self._lifted(result)
            return
        call = Operands(self._value_of, self.table.begin_of)
        held = schema.bound(arguments, keywords, call.argument)
        writes = [call.reads[i] for place in schema.written for i in positions(held[place])]
        if self._values and not self._taking_apart:
            for place in schema.written:
                self.writes.update([call.storages[i] for i in positions(held[place])])
        outputs = list(tensors_in(result))
        fresh = [x for x in outputs if storage_key(x) not in call.storages]
        if not writes and not fresh:
            return  # a view, or an op on no tensor at all: nothing moves
        named = Arguments.of(schema.names, held)
        if func.is_view and schema.name != _MAY_COPY and not writes and call.reads:
            for x in fresh:  # a view has no storage of its own: this one stands for it
                self.table.alias(x, call.reads[0])
            return
        if not describes(schema.name, named) and self._in_parts(func, arguments, keywords, result):
            return
        where = caller()
        owner = self._owner(call.reads)
        for x in fresh:
            known = self.table.lookup(x)
            if known is None and schema.name.startswith("aten.set_."):
                known = self.unknown(x, where)
            writes.append(self.table.temporary(x, owner, where) if known is None else known)
        target = outputs[0] if outputs else None
        if self._old:
            self._read_old(schema.name, (*call.reads, *writes), where)
        for index in writes:
            if not self._may_write(index):
                self.foreign_writes.append(ForeignWrite(schema.name, index, where))
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
                read_dtypes=tuple(call.dtypes) if call.recast else (),
                where=where,
            )
        )

    def _lies_elsewhere(self, func: torch._ops.OpOverload, tensors: Iterable[torch.Tensor]) -> bool:
        """Whether a tensor of a call is sparse or the like, which is then said of the op."""
        if all(x.layout is torch.strided for x in tensors):
            return False
        self.seen.append(Seen(Act.SPARSE, str(func), None, caller()))
        return True

    def _value_of(self, tensor: torch.Tensor) -> Value:
        known = self.table.lookup(tensor)
        return self.table.values[self.unknown(tensor) if known is None else known]

    def unknown(self, tensor: torch.Tensor, where: str | None = None) -> int:
        """Register a storage that is read, and that was neither declared nor made by an op."""
        of_others = self.table.holds(tensor)  # elements of several values, which ops may write
        index = self.table.constant(tensor)
        if self._lineage is not None:
            made = self._lineage.origin(tensor)
            if made is not None and not of_others:
                self._old[index] = made
        if self._values:
            with _Unheard(self):
                contents = None if of_others else contents_of(tensor, whole=True)
            reference, place = self.table.reference(index), place_of(tensor)
            self.constants[index] = Constant(reference, place, contents, where or caller())
        return index

    def made(self, ops: Sequence[TensorOp]) -> list[int]:
        """Values that these ops made, and those that the step made from Python data."""
        written = {index for op in ops for index in op.writes}
        values = self.table.values
        return [*(i for i in written if values[i].is_temporary), *self._from_python]

    def _saw(self, act: Act, call: str, tensor: torch.Tensor | None) -> None:
        value = None
        if tensor is not None:
            with _Unheard(self):
                value = self.table.lookup(tensor)
                if value is None:
                    value = self.unknown(tensor)
        self.seen.append(Seen(act, call, value, caller()))

    def _address_used(self, call: str) -> None:
        if not self.listening:
            return
        self.seen.append(Seen(Act.HOST_READ, call, None, caller()))
        if self.without_values:
            raise NoAddressError

    def _other_threads(self) -> bool:
        """Whether other threads have issued ops, which may end them on tensors without values."""
        return any(_IN_ANOTHER_THREAD in seen.call for seen in self.seen)

    def _enter_thread(self) -> None:
        """Enter this tracer's modes in a thread that a step has started."""
        if not self._inside or hasattr(self._local, "modes"):
            return
        if threading.get_ident() == self._thread:
            return
        modes = ExitStack()  # never left: they go with the thread
        modes.enter_context(WatchCalls(self))
        modes.enter_context(_RecordDispatch(self))
        self._local.modes = modes

    def _lifted(self, result: object) -> None:
        """A tensor appears that was made from Python data; its contents are its name."""
        for tensor in tensors_in(result):
            if self.table.lookup(tensor) is None:
                with _Unheard(self):
                    index = self._add_data(tensor)
                    self.table.rename(index, name_of_contents(tensor))

    def _add_data(self, tensor: torch.Tensor) -> int:
        index = self.table.constant(tensor)
        self.table.made_at[index] = caller()
        self._from_python.add(index, len(self.ops))
        return index

    def _read_old(self, op: str, used: Iterable[int], where: str) -> None:
        for index in used:
            made = self._old.pop(index, None)
            if made is not None:
                with _Unheard(self):
                    kept = self.kept(made)
                self.seen.append(Seen(Act.OLD_STORAGE, op, index, where, made, kept))

    def _may_write(self, index: int) -> bool:
        value = self.table.values[index]
        if value.kind in _ALWAYS_WRITABLE:
            return True
        if value.kind is ValueKind.GRADIENT:
            return self.scaling_gradients
        if value.kind in (ValueKind.RATE, ValueKind.SCHEDULE):
            return self.updating_rates or value.name.startswith(_OF_THE_LOSS_SCALE)
        if index in self._from_python:
            return self._filled(index)
        return self.updating_rates and index < self._declared

    def _filled(self, index: int) -> bool:
        """Make a tensor of one Python number, which is written, the result of an op; else False."""
        filling = self._from_python.filling(index, self.table)
        if filling is not None:
            self.ops.insert(filling.index, filling)
        return filling is not None

    def _in_parts(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
        result: object,
    ) -> bool:
        """Record an op without a record as the ops it consists of; False if it has no such."""
        with _Unheard(self):
            parts = decomposed(func, arguments, keywords)
        if parts is None or not parts.gives(result):
            return False
        outermost, self._taking_apart = self._taking_apart, True
        for real, double in parts.stands_for:
            known = self.table.lookup(real)
            self.table.alias(double, self.unknown(real) if known is None else known)
        for part in parts.ops:
            self.record(part.func, part.arguments, part.keywords, part.result)
        for real, double in zip(tensors_in(result), tensors_in(parts.result), strict=True):
            made = self.table.lookup(double)
            if made is not None and self.table.lookup(real) is None:
                self.table.alias(real, made, replaces=True)
        self._taking_apart = outermost
        return True

    def _owner(self, reads: Iterable[int]) -> int | None:
        owners = {self.table.values[i].parameter for i in reads}
        owners.discard(None)
        return owners.pop() if len(owners) == 1 else None


class _Unheard:
    """The tracer records nothing while the block runs: what it does itself is no part of a step."""

    __slots__ = ("_before", "_tracer")

    def __init__(self, tracer: StepTracer) -> None:
        self._tracer = tracer

    def __enter__(self) -> None:
        self._before = self._tracer.recording
        self._tracer.recording = False

    def __exit__(self, *error: object) -> None:
        self._tracer.recording = self._before


class _RecordDispatch(TorchDispatchMode):
    """Hands each dispatched op to the tracer."""

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
        if func.namespace == "profiler" or not self._tracer.listening:
            return func(*args, **keywords)
        return self._tracer.dispatched(func, args, keywords)
