"""Which tensors are not spread element by element, since their step works on whole lines of them.

Matrices whose step multiplies them or reduces along rows or columns are cut into 2-D blocks.
Stacked matrices whose step reduces each of them apart are not cut at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from wse_emulator.ops.contractions import multiplied_as
from wse_emulator.ops.parameter_axes import ParameterAxes
from wse_emulator.ops.spaces import matrices_beside, needs_lines, works_on_lines
from wse_emulator.ops.stacks import stacked_matrix
from wse_emulator.program import Parameter, StepProgram


@dataclass(frozen=True, slots=True)
class Blocks:
    """A tensor seen as a matrix and cut into 2-D blocks.

    Attributes:
        rows, cols: of the matrix.
        down, across: further lengths that are cut over the rows and over the columns of PEs,
            those of the matrices beside it that the step multiplies.
    """

    rows: int
    cols: int
    down: tuple[int, ...] = ()
    across: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """A tensor of many small matrices that lie whole in the PEs.

    Attributes:
        rows, cols: of one matrix.
    """

    rows: int
    cols: int


TensorForm = Blocks | Stack


def tensor_forms(program: StepProgram) -> dict[int, TensorForm]:
    """Parameter -> form, for those that are not spread element by element."""
    forms: dict[int, TensorForm] = {}
    for parameter in program.parameters:
        first = program.first_alike(parameter.index)
        form = _form(program, parameter) if first == parameter.index else forms.get(first)
        if form is not None:
            forms[parameter.index] = form
    return forms


def _form(program: StepProgram, parameter: Parameter) -> TensorForm | None:
    ops = program.ops_of(parameter.index)
    if len(parameter.shape) < 2 or not ops:
        return None
    matrix = multiplied_as(parameter.shape, ops)
    if matrix is not None:
        beside = matrices_beside(program, parameter)
        return Blocks(*matrix, *(beside.further if beside else ()))
    if not works_on_lines(parameter, ops):
        return None
    axes = ParameterAxes(program, parameter)
    stacked = stacked_matrix(parameter, ops, axes)
    if stacked is not None:
        return Stack(*stacked)
    if any(needs_lines(op, parameter, axes) for op in ops):
        return Blocks(prod(parameter.shape[:-1]), parameter.shape[-1])
    return None
