"""An op without a record, written as ops that have one: by torch's own tables, on meta tensors.

The step runs its real op, so its numbers are untouched; beside it the decomposition runs on meta
tensors of the same shapes, strides and storages, and what it dispatches is recorded instead. What
it dispatches without a record is decomposed in turn. An op that does not come apart in this way is
recorded as it is, and refused by its own name when it is costed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from math import prod
from typing import Final

import torch
from torch._decomp import get_decompositions
from torch.utils._python_dispatch import TorchDispatchMode

from wse_emulator.capture.list_ops import is_list_op, one_by_one
from wse_emulator.capture.schemas import plain_argument, schema_of
from wse_emulator.capture.storages import storage_key
from wse_emulator.ops.table import describes
from wse_emulator.program import Argument, Arguments

Decomposition = Callable[..., object]

_DEEPEST: Final = 8
"""Ops within ops; torch's tables need four."""


@dataclass(frozen=True, slots=True)
class DispatchedOp:
    """One op that a decomposition issues, on meta tensors."""

    func: torch._ops.OpOverload
    arguments: tuple[object, ...]
    keywords: Mapping[str, object]
    result: object


@dataclass(frozen=True, slots=True)
class Decomposed:
    """An op written as others.

    Attributes:
        ops: the ops it consists of, in order, each with a record (or a view). An op of a list
            stays as it is if it has none.
        stands_for: the meta tensor of each real tensor argument, in order of appearance.
        result: what the decomposition returns, on meta tensors.
    """

    ops: tuple[DispatchedOp, ...]
    stands_for: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    result: object

    def gives(self, result: object) -> bool:
        """Whether it gives what the real op did: tensors alike, and as new as those are."""
        pairs = list(zip_longest(tensors_in(result), tensors_in(self.result)))
        if any(real is None or double is None for real, double in pairs):
            return False
        real_of = {storage_key(double): storage_key(real) for real, double in self.stands_for}
        given = set(real_of.values())
        return all(
            (real.shape, real.dtype) == (double.shape, double.dtype)
            and (storage_key(real) if storage_key(real) in given else None)
            == real_of.get(storage_key(double))
            for real, double in pairs
        )


def decomposed(
    func: torch._ops.OpOverload, arguments: Sequence[object], keywords: Mapping[str, object]
) -> Decomposed | None:
    """The ops that a call consists of, or None if it has no decomposition into known ones."""
    if decomposition_of(func) is None:
        return None
    doubles = _MetaDoubles()
    copied = [doubles.of(argument) for argument in arguments]
    named = {
        name: "meta" if isinstance(value, torch.device) else doubles.of(value)
        for name, value in keywords.items()
    }
    collector = _Collector(keeps_unknown=is_list_op(func))
    try:
        result = collector.decompose(func, copied, named)
    except Exception:  # a reference that cannot run on meta tensors, or an op without a record
        return None
    return Decomposed(tuple(collector.ops), tuple(doubles.made), result)


@lru_cache(maxsize=1024)  # torch goes through its whole table each time
def decomposition_of(func: torch._ops.OpOverload) -> Decomposition | None:
    """The function that writes an op as others: torch's own, or one of this package; else None."""
    if is_list_op(func):
        return one_by_one(func)
    found = _WRITTEN_HERE.get(func)
    return found if found is not None else get_decompositions([func]).get(func)


def tensors_in(argument: object) -> Iterator[torch.Tensor]:
    """Tensors among arguments or results, through lists, in order."""
    if isinstance(argument, torch.Tensor):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for item in argument:
            yield from tensors_in(item)


def _has_record(
    func: torch._ops.OpOverload, arguments: Sequence[object], keywords: Mapping[str, object]
) -> bool:
    schema = schema_of(func)
    bound = schema.bound(arguments, keywords, _value)
    return describes(schema.name, Arguments.of(schema.names, bound))


def _value(argument: object) -> Argument:
    """A Python argument; a tensor, or a list of them, as None: no record asks for their values."""
    return None if next(tensors_in(argument), None) is not None else plain_argument(argument)


class _NoRecordError(Exception):
    """A decomposition issues an op that has no record and does not come apart."""


class _MetaDoubles:
    """Meta tensors in place of real ones: views of one storage are views of one meta storage."""

    def __init__(self) -> None:
        self.made: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._bases: dict[int, torch.UntypedStorage] = {}

    def of(self, argument: object) -> object:
        """The argument with meta tensors in place of its tensors."""
        if isinstance(argument, torch.Tensor):
            return self._double(argument)
        if isinstance(argument, (list, tuple)):
            return type(argument)(self.of(item) for item in argument)
        return argument

    def _double(self, tensor: torch.Tensor) -> torch.Tensor:
        real = tensor.untyped_storage()
        key = storage_key(tensor)
        base = self._bases.get(key)
        if base is None:
            made = torch.empty(real.nbytes(), dtype=torch.uint8, device="meta")
            base = self._bases[key] = made.untyped_storage()
        double = torch.empty(0, dtype=tensor.dtype, device="meta")
        double.set_(base, tensor.storage_offset(), tensor.shape, tensor.stride())
        self.made.append((tensor, double))
        return double


class _Collector(TorchDispatchMode):
    """Keeps the known ops that a decomposition dispatches, and decomposes the others.

    Args:
        keeps_unknown: keep an op that has no record and does not come apart, too, so that it is
            refused by its own name.
    """

    def __init__(self, *, keeps_unknown: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        self.ops: list[DispatchedOp] = []
        self._keeps_unknown = keeps_unknown
        self._depth = 0

    def decompose(
        self,
        func: torch._ops.OpOverload,
        arguments: Sequence[object],
        keywords: Mapping[str, object],
    ) -> object:
        """Run the decomposition of an op.

        Raises:
            _NoRecordError: it has none.
        """
        written = decomposition_of(func)
        if written is None or self._depth == _DEEPEST:
            raise _NoRecordError(str(func))
        self._depth += 1
        try:
            with self:
                return written(*arguments, **keywords)
        finally:
            self._depth -= 1

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = kwargs or {}
        if not func.is_view and not _has_record(func, args, keywords):
            so_far = len(self.ops)
            try:
                return self.decompose(func, args, keywords)
            except _NoRecordError:
                if not (self._keeps_unknown and self._depth == 1):
                    raise
                del self.ops[so_far:]
        result = func(*args, **keywords)
        self.ops.append(DispatchedOp(func, args, keywords, result))
        return result


def _variance(
    x: torch.Tensor,
    dims: Sequence[int] | None,
    correction: float = 1.0,
    *,
    output_dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """The mean square of what is left of ``x`` without its mean; over two passes, as kernels do."""
    along = list(range(x.ndim)) if dims is None or x.ndim == 0 else list(dims)
    centred = x - x.mean(along, keepdim=True)
    squares = (centred * centred).sum(along)
    made = squares / max(prod(x.shape[dim] for dim in along) - correction, 0)
    return made if output_dtype is None else made.to(output_dtype)


def _sum(
    x: torch.Tensor, dims: Sequence[int] | None, *, output_dtype: torch.dtype | None = None
) -> torch.Tensor:
    made = x.sum() if dims is None else x.sum(list(dims))
    return made if output_dtype is None else made.to(output_dtype)


# torch's references end in prims, which are no ATen ops: these are the ones that ops need
_WRITTEN_HERE: Final[Mapping[torch._ops.OpOverload, Decomposition]] = {
    torch.ops.prims.var.default: _variance,
    torch.ops.prims.sum.default: _sum,
    torch.ops.prims.div.default: torch.div,
}
