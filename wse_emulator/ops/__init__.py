"""Tensor ops: what each does to axes, what it reads together, and what it costs on a PE."""

from wse_emulator.cost.kernel import OpCost
from wse_emulator.ops import arithmetic, elementwise, reductions, scans, views
from wse_emulator.ops.cost import check_costs, has_cost, is_free, is_scalar_op, op_cost

__all__ = ["OpCost", "check_costs", "has_cost", "is_free", "is_scalar_op", "op_cost"]

RECORD_FILES = (arithmetic, elementwise, reductions, scans, views)
"""The files that hold the records of ops; importing them fills the table."""
