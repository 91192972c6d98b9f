"""An op's arguments as the rules of its instructions see them."""

from __future__ import annotations

from dataclasses import dataclass

from wse_emulator.cost.kernel import Operand, scalar_argument
from wse_emulator.program import Arguments, Read, Scalar


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an op; hashable, so costs are kept by it.

    Attributes:
        name: with overload, as dispatched: ``aten.add_.Tensor``.
        dtype: format of the result.
        result_vector: the result has more than one element.
        tensors: tensor arguments by their position among the op's reads.
        arguments: all arguments by name.
        inner: elements combined into one of the result, for a reduction or a product; else 1.
        innermost: a reduction or a scan takes the axis that lies densest in memory.
    """

    name: str
    dtype: str
    result_vector: bool
    tensors: tuple[Operand, ...]
    arguments: Arguments
    inner: int = 1
    innermost: bool = False

    def operand(self, name: str) -> Operand:
        """The argument as an operand: a tensor, or a Python number in the format of the tensors.

        Of a call without a tensor, such as a clone of a number, it has the format of the result.
        """
        argument = self.arguments.get(name)
        if isinstance(argument, Read):
            return self.tensors[argument.position]
        return scalar_argument(self.tensors[0].dtype if self.tensors else self.dtype)

    def given(self, name: str) -> bool:
        """Whether the argument is there, be it a tensor or a number."""
        return self.arguments.get(name) is not None

    def number(self, name: str, default: float = 1.0) -> float:
        """A Python number by name, or the default."""
        argument = self.arguments.get(name)
        return argument if isinstance(argument, (int, float)) else default

    def word(self, name: str) -> str | None:
        """A Python string by name, or None."""
        argument: Scalar | object = self.arguments.get(name)
        return argument if isinstance(argument, str) else None
