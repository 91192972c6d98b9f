"""The tables of docs/ops.md, made from the records of ops and from torch's own tables.

python -m tests.ops.tables      # writes docs/ops.md; so does make docs
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Final

import torch
from torch._decomp import core_aten_decompositions

from wse_emulator.capture.decompositions import Decomposed, decomposed
from wse_emulator.ops.table import OpRecord, record_of, records

PAGE: Final = Path(__file__).parents[2] / "docs" / "ops.md"


_SAMPLES: Final[dict[str, object]] = {
    "dim": -1,
    "dims": [-1],
    "normalized_shape": [4],
    "half_to_float": False,
    "shifts": [1],
    "unbiased": True,
    "reduction": 1,
    "train": True,
    "start": 1,
}
"""Arguments by name with which an op is tried."""


def page(text: str) -> str:
    """The page with all tables made again, its prose as it is in ``text``."""
    tables = {"records": record_table(), "written as others": written_table(), "refused": refused()}
    for name, table in tables.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition(f"<!-- end of {name} -->\n")
        text = f"{before}<!-- {name} -->\n{table}<!-- end of {name} -->\n{after}"
    return text


def record_table() -> str:
    """One row a record."""
    lines = ["| ops | axes | instructions | together |", "|---|---|---|---|"]
    lines += [_row(record) for record in records()]
    return "\n".join(lines) + "\n"


def _row(record: OpRecord) -> str:
    names = ", ".join(f"`{name}`" for name in record.names)
    together = ", ".join(f"`{name}`" for name in record.streams)
    axes = record.axes.text if record.instructions else ""
    return f"| {names} | {axes} | {record.cost} | {together} |"


def written_table() -> str:
    """What torch's tables write as other ops."""
    core = set(core_names())
    lines = [f"| op, by torch {torch_version()} | is written as |", "|---|---|"]
    for name in _aten_names():
        parts = written_as(name)
        if parts is not None:
            shown = f"**`{name}`**" if name in core else f"`{name}`"
            lines.append(f"| {shown} | {', '.join(parts)} |")
    return "\n".join(lines) + "\n"


def refused() -> str:
    """Core ops that are left."""
    left = [n for n in sorted(core_names()) if not has_record(n) and written_as(n) is None]
    names = ", ".join(f"`{name}`" for name in left)
    return fill(names, 144, break_on_hyphens=False) + ".\n"


def torch_version() -> str:
    """Version of torch without its build."""
    return torch.__version__.partition("+")[0]


def core_names() -> list[str]:
    """Base names of the ops that torch calls core."""
    # torch.ops.aten itself lists the ops that something has asked for so far
    known = (
        op.removeprefix("aten::") for op in torch._C._dispatch_get_all_op_names() if "aten::" in op
    )
    return [
        name
        for name in sorted({op.partition(".")[0] for op in known})
        if not name.startswith("sym_")  # sizes and strides as numbers: no tensor is touched
        and any(torch.Tag.core in overload.tags for overload in _overloads(name))
    ]


def has_record(name: str) -> bool:
    """Whether an op, by its base name, has a record for some overload."""
    return any(record_of(str(overload)) is not None for overload in _overloads(name))


@cache
def written_as(name: str) -> tuple[str, ...] | None:
    """Base names of the ops as which an op is written; None if it has a record or is refused."""
    if has_record(name):
        return None
    for overload in _overloads(name):
        parts = _tried(overload)
        if parts is not None and parts.ops:
            names = (str(part.func).split(".")[1].rstrip("_") for part in parts.ops)
            return tuple(dict.fromkeys(names))
    return None


def _aten_names() -> list[str]:
    """Base names of the ops that torch decomposes or calls core; gradients of ops left out."""
    names = {str(op).split(".")[1] for op in core_aten_decompositions()} | set(core_names())
    return sorted(n for n in names if "backward" not in n and not n.endswith("_"))


def _overloads(name: str) -> list[torch._ops.OpOverload]:
    packet = getattr(torch.ops.aten, name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return []
    found = [getattr(packet, overload) for overload in packet.overloads()]
    return [op for op in found if not str(op).endswith("out") and "." in str(op)]


def _tried(overload: torch._ops.OpOverload) -> Decomposed | None:
    """The op decomposed with sample arguments; None if they do not suit it."""
    arguments: list[object] = []
    keywords: dict[str, object] = {}
    for argument in overload._schema.arguments:
        if argument.has_default_value() and argument.name not in _SAMPLES:
            continue
        kind = str(argument.type)
        if kind == "Tensor":
            given: object = torch.empty(6, 4, device="meta")
        elif argument.name in _SAMPLES:
            given = _SAMPLES[argument.name]
            if kind.startswith("List") and not isinstance(given, list):
                given = [given]
        elif kind.startswith("Optional"):
            given = None
        elif kind in ("float", "number"):
            given = 0.5
        else:
            return None
        if argument.kwarg_only:
            keywords[argument.name] = given
        else:
            arguments.append(given)
    if not any(isinstance(given, torch.Tensor) for given in arguments):
        return None
    return decomposed(overload, arguments, keywords)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
