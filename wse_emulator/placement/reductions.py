"""Which tensors are placed in 2-D blocks: those whose step reduces along rows or columns."""

from __future__ import annotations

from wse_emulator.program import StepProgram


def reduced_along_lines(program: StepProgram) -> frozenset[int]:
    """Parameters with an op whose result keeps some dimensions of a matrix and loses others.

    Row and column means (Adafactor) are of this kind; norms over a whole tensor are not, nor are
    tensors of fewer than two dimensions.
    """
    found = set()
    for op in program.ops:
        if op.owner is None or op.owner in found:
            continue
        parameter = program.parameters[op.owner]
        if len(parameter.shape) < 2 or op.shape == ():
            continue
        whole = any(shape == parameter.shape for shape in op.read_shapes)
        if whole and 1 < op.numel < parameter.numel:
            found.add(op.owner)
    return frozenset(found)
