"""The tables of docs/optimizers.md, made from the records.

``python -m tests.optimizers.tables`` writes them into the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch

from optimizers.configure import ALIASES, HALVES
from optimizers.rule import UpdateRule
from tests.generated_tables import markdown_table, with_table
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS

PAGE: Final = Path(__file__).parents[2] / "docs" / "optimizers.md"


def state_bytes(
    optimizer: type[UpdateRule],
    shapes: Iterable[tuple[int, ...]],
    dtype: torch.dtype = torch.float32,
    **arguments: Any,
) -> int:
    """Bytes of all optimizer state for parameters of these shapes; allocates none of them.

    Args:
        optimizer: the class.
        shapes: one shape a parameter.
        dtype: of the parameters.
        **arguments: of the constructor.
    """
    params = [torch.nn.Parameter(torch.empty(s, dtype=dtype, device="meta")) for s in shapes]
    state = optimizer(params, **arguments).state
    return sum(
        t.numel() * t.element_size()
        for p in params
        for t in state.get(p, {}).values()
        if isinstance(t, torch.Tensor)
    )


def state_bytes_per_parameter(entry: OptimizerRecord, dtype: torch.dtype = torch.float32) -> float:
    """Bytes of state a weight, in a square matrix with the first accepted arguments."""
    side = 4096
    return state_bytes(entry.optimizer, [(side, side)], dtype, **entry.accepted[0]) / side**2


def class_table() -> list[str]:
    """Class, state names, bytes of float32 state a weight, collectives: a Markdown table."""
    rows = []
    for entry in RECORDS:
        p = torch.nn.Parameter(torch.empty(4, 4, device="meta"))
        state = entry.optimizer([p], **entry.accepted[0]).state.get(p, {})
        rows.append(
            (
                entry.name,
                ", ".join(state) or "none",
                f"{state_bytes_per_parameter(entry):.3g}",
                "; ".join(f"{c.kind}: {c.what}" for c in entry.collectives) or "none",
            )
        )
    headings = ("class", "state", "bytes per weight", "collectives, once per parameter")
    return markdown_table(headings, rows)


def spelling_table() -> list[str]:
    """Every argument that a run config may spell otherwise, and how: a Markdown table."""
    spellings: dict[str, list[str]] = {}
    for other, argument in ALIASES.items():
        number = ", if it is a number" if argument == "lr" else ""  # it may be a schedule as well
        spellings.setdefault(argument, []).append(f"`{other}`{number}")
    for argument, halves in HALVES.items():
        spellings.setdefault(argument, []).extend(f"`{a}` and `{b}`" for a, b in halves)
    rows = [(f"`{argument}`", "; ".join(others)) for argument, others in spellings.items()]
    return markdown_table(("argument", "other spellings"), rows)


def page_with_tables(page: str) -> str:
    """The text of docs/optimizers.md with its generated tables as the records have them."""
    return with_table(with_table(page, class_table()), spelling_table())


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text()))
