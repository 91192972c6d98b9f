"""Ops are known by name in ops/ and capture/ alone; elsewhere their records are asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wse_emulator
from wse_emulator.ops.table import registered_names

ROOT = Path(wse_emulator.__file__).parent
ROOMS_THAT_KNOW = ("ops", "capture")
OTHERS = frozenset(
    {
        "op_class",  # instruction classes (add, mul, max, ...), which some ops are named after
        "layout",  # a tensor lies flat, in blocks or as a stack
        "along",  # through all PEs
        "function",  # functions without an instruction (sqrt, exp, ...)
        "recompute",  # all layers, in full
        "how",  # how a picture joins cells: their max or mean
        "parameter.name.lower()",  # norm.weight is no op
    }
)
"""What may be compared with words that are also names of ops: last names, or whole expressions."""


def comparisons(tree: ast.AST) -> Iterator[tuple[ast.expr, list[ast.expr]]]:
    """What is compared, looked up or matched, with what."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            for one in parts:
                yield one, [part for part in parts if part is not one]
        elif isinstance(node, ast.Match):
            values = [
                value.value
                for case in node.cases
                for value in ast.walk(case.pattern)
                if isinstance(value, ast.MatchValue)
            ]
            yield node.subject, values
        elif isinstance(node, ast.Subscript):
            yield node.slice, [node.value]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "startswith", "endswith", "index", "count")
        ):
            yield node.func.value, list(node.args)
            yield from ((argument, [node.func.value]) for argument in node.args)


def last_name(expression: ast.expr) -> str:
    """``layout`` of ``placement.tensors[0].layout``."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def words(expression: ast.expr) -> Iterator[str]:
    """Strings anywhere in an expression."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_asked(source: str) -> list[str]:
    """Lines of a file that tell ops apart by name."""
    tree = ast.parse(source)
    ops = registered_names()
    found = []
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node.value.startswith(("aten.", "aten::")):
            found.append(f"line {node.lineno}: {node.value!r}")
    for one, others in comparisons(tree):
        if last_name(one) == "base_name":
            found.append(f"line {one.lineno}: an op's name is compared or looked up")
        told = [word for other in others for word in words(other) if word in ops]
        exempt = {last_name(one), ast.unparse(one)} & OTHERS
        if told and not exempt and not isinstance(one, ast.Constant):
            found.append(f"line {one.lineno}: {ast.unparse(one)} against {', '.join(told)}")
    return found


def test_no_other_room_tells_ops_apart_by_name() -> None:
    asked = {}
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0]
        lines = names_asked(path.read_text(encoding="utf-8")) if room not in ROOMS_THAT_KNOW else []
        if lines:
            asked[str(path.relative_to(ROOT))] = lines
    assert asked == {}


@pytest.mark.parametrize(
    "source",
    [
        'if op.base_name == "mm": pass',
        'if op.name == "aten.mm.default": pass',
        'PRODUCTS = frozenset({"aten.mm.default"})',
        'if name in ("mm", "addmm"): pass',
        'found = name in {"mm": 1}',
        "found = TABLE[op.base_name]",
        "found = TABLE.get(op.base_name)",
        'if op.name.endswith("cumsum"): pass',
        'match op.base_name:\n    case "mm" | "bmm":\n        pass',
        'match name:\n    case "mm":\n        pass',
    ],
)
def test_the_search_finds(source: str) -> None:
    assert names_asked(source)


@pytest.mark.parametrize(
    "source",
    [
        'kernel.emit("add", x)',
        'if instruction.op_class == "add": pass',
        "labels = [op.base_name for op in ops]",
        'work["update", op.base_name] += 1',  # a label among results
        'if tensor.layout == "stack": pass',
        'if state == "exp_avg": pass',
    ],
)
def test_the_search_leaves(source: str) -> None:
    assert names_asked(source) == []
