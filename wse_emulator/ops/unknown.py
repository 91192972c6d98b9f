"""The error for an op that no PE carries out: which op, of what, and what to write instead."""

from __future__ import annotations

from typing import Final

from wse_emulator.errors import UnknownOpError
from wse_emulator.program import StepProgram, TensorOp

NO_COST: Final = "no cost on a processing element"

_LINEAR_ALGEBRA: Final = ("linalg_", "_linalg_", "cholesky", "geqrf", "ormqr", "lu_", "triangular_")
"""How the names of ops begin that factor a matrix or solve with one."""


def unknown_op(op: TensorOp, program: StepProgram, why: str = NO_COST) -> UnknownOpError:
    """The error that names an op and its parameter, and says what to do."""
    owner = None if op.owner is None else program.parameters[op.owner].name
    where = "on the controller" if owner is None else f"for parameter {owner}"
    place = f", {op.where}" if op.where else ""
    return UnknownOpError(
        f"{program.optimizer}.step() issues {op.name} {where} (op {op.index}{place}): {why}",
        parameter=owner,
        remedy=_remedy(op.base_name),
    )


def _remedy(name: str) -> str:
    if name.startswith("_fused_"):
        return "build the optimizer with fused=False: the wafer has no kernel for a whole step"
    if name.startswith(_LINEAR_ALGEBRA) and "norm" not in name:
        return (
            "keep what it makes (eigenvectors, an inverse root) as state that the host writes "
            "between steps, or make it of matrix products, as Newton-Schulz iterations do"
        )
    return (
        "write the step with ops the wafer has (docs/ops.md lists them), in float32 or a 16-bit "
        "format"
    )
