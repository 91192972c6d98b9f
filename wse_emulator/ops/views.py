"""Views and allocations: the static plan resolves them, and no cycle is spent."""

from __future__ import annotations

from wse_emulator.ops.axes import ELEMENTWISE, FRESH
from wse_emulator.ops.table import OpRecord, add_record

_VIEWS = """
view _unsafe_view reshape _reshape_alias expand expand_as t transpose permute unsqueeze squeeze
select slice narrow split chunk unbind diagonal detach alias as_strided lift_fresh lift view_as
movedim
"""
_ALLOCATIONS = "empty empty_like empty_strided new_empty new_empty_strided"

add_record(OpRecord(tuple(_VIEWS.split()), ELEMENTWISE, None, (), "nothing"))
add_record(OpRecord(tuple(_ALLOCATIONS.split()), FRESH, None, (), "nothing"))
