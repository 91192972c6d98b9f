"""Comparing the graphs of two steps: ops, numbers, shapes, dtypes, and what is read and written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from wse_emulator.errors import GraphChangedError, PythonNumberChangedError, StaticRuleError
from wse_emulator.program import Scalar, TensorOp, Value, ValueKind

_STATIC_REMEDY = (
    "make every step issue the same ops: torch.where instead of if, and no branch on a step count"
)


def judge_graphs(
    first: Sequence[TensorOp],
    first_values: Sequence[Value],
    later: Sequence[TensorOp],
    later_values: Sequence[Value],
    steps: tuple[int, int],
    hyper_parameters: tuple[dict[str, object], dict[str, object]],
) -> StaticRuleError | None:
    """The first difference between two steps' graphs, as a violation; None if equal.

    ``steps`` are the numbers of the two steps, 1 for the first.

    ``hyper_parameters`` are the Python numbers of the parameter groups at the two steps; a number
    that changed among them is named.
    """
    for a, b in zip(first, later, strict=False):
        changed = _changed_op(a, first_values, b, later_values, steps)
        if changed is not None:
            return changed
        numbers = _changed_number(a, b)
        if numbers is not None:
            name = next(
                (k for k, v in hyper_parameters[0].items() if v != hyper_parameters[1].get(k)),
                None,
            )
            return _number(b, first_values, steps, str(numbers[0]), str(numbers[1]), name)
    if len(first) != len(later):
        longer = max(first, later, key=len)[min(len(first), len(later))]
        place = f": {longer.base_name}, {longer.where}, is in one alone" if longer.where else ""
        return GraphChangedError(
            f"step() issues {len(later)} ops in step {steps[1]} and {len(first)} in step "
            f"{steps[0]}{place}",
            remedy=_STATIC_REMEDY,
        )
    return None


def _changed_op(
    a: TensorOp,
    a_values: Sequence[Value],
    b: TensorOp,
    b_values: Sequence[Value],
    steps: tuple[int, int],
) -> StaticRuleError | None:
    """A violation if an op is another one later, or works on other tensors or views of them."""
    if (a.name, a.shape, a.dtype) != (b.name, b.shape, b.dtype):
        now, was = f"is {_describe(b)}", f"it is {_describe(a)}"
    elif _uses(a, a_values) != _uses(b, b_values):
        constants = _changed_constant(a, a_values, b, b_values)
        if constants is not None:
            return _number(b, a_values, steps, constants[0], constants[1], None)
        now = f"({a.base_name}) works on {', '.join(_uses(b, b_values))}"
        was = f"on {', '.join(_uses(a, a_values))}"
    else:
        moved = _changed_view(a, b)
        if moved is None:
            return None
        name = a_values[a.reads[moved[2]]].name
        now, was = f"({a.base_name}) works on {name} {moved[1]}", f"on {name} {moved[0]}"
    return _changed(b, a_values, steps, now, was)


def _describe(op: TensorOp) -> str:
    return f"{op.name} of shape {list(op.shape)} {op.dtype}"


def _changed_number(a: TensorOp, b: TensorOp) -> tuple[Scalar, Scalar] | None:
    """The first Python value among the arguments of an op that is another one later."""
    if a.arguments == b.arguments:
        return None
    pairs = zip_longest(a.arguments.scalars(), b.arguments.scalars())
    return next(((x, y) for x, y in pairs if not _same(x, y)), None)


def _changed_view(a: TensorOp, b: TensorOp) -> tuple[str, str, int] | None:
    """The first tensor argument that is another view of its storage later, and both views."""
    if (a.read_shapes, a.read_strides, a.read_offsets, a.read_dtypes) == (
        b.read_shapes,
        b.read_strides,
        b.read_offsets,
        b.read_dtypes,
    ):
        return None
    for position in range(len(a.reads)):
        was, now = _view(a, position), _view(b, position)
        if was != now:
            return was, now, position
    return None


def _view(op: TensorOp, position: int) -> str:
    shape = op.read_shapes[position]
    # the stride along a dimension of one element says nothing
    strides = [s if n > 1 else 0 for n, s in zip(shape, op.strides_of(position), strict=True)]
    dtype = f" {op.read_dtypes[position]}" if op.read_dtypes else ""
    return f"from element {op.offset_of(position)} as {list(shape)}{dtype} with strides {strides}"


def _same(a: Scalar, b: Scalar) -> bool:
    return a == b or (a != a and b != b)  # two NaN are the same number here


def _uses(op: TensorOp, values: Sequence[Value]) -> tuple[str, ...]:
    """Names of what an op touches. Temporaries are numbered alike in equal graphs."""
    return tuple(values[i].name for i in (*op.reads, *op.writes))


def _changed_constant(
    a: TensorOp, a_values: Sequence[Value], b: TensorOp, b_values: Sequence[Value]
) -> tuple[str, str] | None:
    for i, j in zip(a.reads, b.reads, strict=False):
        was, now = a_values[i], b_values[j]
        both_data = was.name.startswith("tensor") and now.name.startswith("tensor")
        if both_data and was.kind is now.kind is ValueKind.CONSTANT and was.name != now.name:
            return was.name, now.name
    return None


def _owner_name(op: TensorOp, values: Sequence[Value]) -> str | None:
    if op.owner is None:
        return None
    for value in values:
        if value.kind is ValueKind.PARAMETER and value.parameter == op.owner:
            return value.name
    return None


def _changed(
    op: TensorOp, values: Sequence[Value], steps: tuple[int, int], now: str, was: str
) -> GraphChangedError:
    owner = _owner_name(op, values)
    whose = f" of {owner}" if owner else ""
    place = f" ({op.where})" if op.where else ""
    return GraphChangedError(
        f"op {op.index + 1}{whose}{place} in step {steps[1]} {now}, in step {steps[0]} {was}",
        parameter=owner,
        remedy=_STATIC_REMEDY,
    )


def _number(
    op: TensorOp,
    values: Sequence[Value],
    steps: tuple[int, int],
    was: str,
    now: str,
    name: str | None,
) -> PythonNumberChangedError:
    owner = _owner_name(op, values)
    whose = f" of {owner}" if owner else ""
    place = f", {op.where}" if op.where else ""
    what = f"the hyper-parameter {name!r}" if name else "a Python number"
    return PythonNumberChangedError(
        f"{what} in {op.name}{whose} is {was} in step {steps[0]} and {now} in step "
        f"{steps[1]}{place}",
        parameter=owner,
        state=name,
        remedy="make it a 0-dim tensor that is updated in place, as the schedulers of this "
        "package do with the learning rate",
    )
