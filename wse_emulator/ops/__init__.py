"""Cost of tensor ops on a PE, from documented instruction rates."""

from wse_emulator.cost.kernel import OpCost
from wse_emulator.ops.cost import check_costs, has_cost, is_free, is_scalar_op, op_cost

__all__ = ["OpCost", "check_costs", "has_cost", "is_free", "is_scalar_op", "op_cost"]
