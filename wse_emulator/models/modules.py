"""Models as modules: parameters on the meta device, and the shapes that a module holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from wse_emulator.errors import InputError, MalformedFileError
from wse_emulator.models.shapes import FLOATING_DTYPES, ModelShapes, TensorShape

Model = str | ModelShapes | nn.Module
"""What a user may give as a model: a name or file, shapes, or a module."""

_DTYPES: Final[Mapping[str, torch.dtype]] = {name: getattr(torch, name) for name in FLOATING_DTYPES}


class MetaModel(nn.Module):
    """Parameters on the meta device, under any names.

    A plain module cannot have parameters ``w`` and ``w.x`` at once; a list of shapes may.
    """

    def __init__(self, shapes: Iterable[TensorShape]) -> None:
        super().__init__()
        self._named = {
            shape.name: nn.Parameter(
                torch.empty(shape.shape, dtype=_DTYPES[shape.dtype], device="meta"),
                requires_grad=shape.requires_grad,
            )
            for shape in shapes
        }

    @classmethod
    def holding(cls, named: Mapping[str, nn.Parameter]) -> MetaModel:
        """A model that holds given parameters, as they are, by name."""
        model = cls(())
        model._named = dict(named)
        return model

    def named_parameters(
        self,
        prefix: str = "",
        recurse: bool = True,  # noqa: ARG002 - signature of nn.Module
        remove_duplicate: bool = True,  # noqa: ARG002 - signature of nn.Module
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Each parameter as (name, parameter), in model order."""
        start = f"{prefix}." if prefix else ""
        for name, parameter in self._named.items():
            yield start + name, parameter


def refuse_unsized(named: Iterable[tuple[str, Tensor]], where: str) -> None:
    """Refuse parameters and buffers whose sizes are still unknown (``nn.LazyLinear`` and the like).

    Args:
        named: (name, tensor) of each.
        where: how the message begins, such as "parameter".

    Raises:
        InputError: one has no size before the first forward pass; names it and says what to do.
    """
    for name, tensor in named:
        if is_lazy(tensor):
            raise InputError(
                f"{where} {name} has no size before the first forward pass, since its layer is "
                "lazy; run one forward pass before it is used, or give the layer its sizes"
            )


def shapes_of_module(
    module: nn.Module,
    name: str,
    source: str,
    build: Callable[[], nn.Module] | None = None,
    config: Mapping[str, object] | None = None,
) -> ModelShapes:
    """The shapes of a module's parameters; those that share a tensor count once.

    Raises:
        MalformedFileError: it has no parameters, or one of a dtype without gradients.
        InputError: a parameter has no size yet.
    """
    refuse_unsized((*module.named_parameters(), *module.named_buffers()), f"{name}:")
    kept: dict[int, TensorShape] = {}
    tied: list[tuple[str, str]] = []
    for label, parameter in module.named_parameters(remove_duplicate=False):
        if id(parameter) in kept:
            tied.append((label, kept[id(parameter)].name))
            continue
        dtype = str(parameter.dtype).removeprefix("torch.")
        if dtype not in FLOATING_DTYPES:
            raise MalformedFileError(
                f"{name}: parameter {label} is {dtype}; parameters are one of "
                f"{', '.join(FLOATING_DTYPES)}"
            )
        kept[id(parameter)] = TensorShape(
            label, tuple(parameter.shape), dtype, parameter.requires_grad
        )
    if not kept:
        raise MalformedFileError(f"{name}: the model ({type(module).__name__}) has no parameters")
    return ModelShapes(
        name=name,
        parameters=tuple(kept.values()),
        tied=tuple(tied),
        source=source,
        architecture=type(module).__name__,
        config=dict(config or {}),
        build=None if build is None else _first(module, build),
    )


def _first(module: nn.Module, build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Hand out the module whose shapes were read before any other is built."""
    ready = [module]
    return lambda: ready.pop() if ready else build()
