"""Ops on lists of tensors are the ops of their tensors, each owned by its parameter."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import wse_emulator
from wse_emulator.capture.list_ops import is_list_op
from wse_emulator.capture.step import capture_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import check_costs
from wse_emulator.program import StepProgram
from wse_emulator.wafer import WSE2

SHAPES = ((3, 4), (5,), (2, 2))
WITHOUT_A_KERNEL = {"acos", "asin", "atan", "cosh", "erfc", "lgamma", "sinh", "tan"}
FUNCTIONAL = {"_foreach_zero", "_foreach_copy"}
"""Generated variants that no step dispatches."""


def every_list_op() -> dict[str, torch._C.FunctionSchema]:
    """Name with overload -> schema, of all list ops of this torch."""
    return {
        f"{schema.name.removeprefix('aten::')}.{schema.overload_name or 'default'}": schema
        for schema in torch._C._jit_get_all_schemas()
        if schema.name.startswith("aten::_foreach_")
        and not schema.overload_name.endswith("out")
        and schema.name.removeprefix("aten::") not in FUNCTIONAL
    }


class Listed(torch.optim.Optimizer):
    """One list op over the parameters and states of their shapes; what it makes is added."""

    def __init__(self, name: str, schema: torch._C.FunctionSchema, device: str) -> None:
        shapes = ((3, 3),) * 3 if "_mm" in name else SHAPES
        parameters = [nn.Parameter(torch.rand(shape, device=device) + 0.5) for shape in shapes]
        super().__init__(parameters, {})
        for p in parameters:
            self.state[p].update(a=torch.rand_like(p), b=torch.rand_like(p) + 1)
        packet, overload = name.split(".")
        self.op = getattr(getattr(torch.ops.aten, packet), overload)
        self.schema, self.parameters = schema, parameters

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # no loss  # noqa: ARG002
        lists = iter(
            [self.parameters, *([self.state[p][key] for p in self.parameters] for key in "ab")]
        )
        one = torch.tensor([0.5, 0.2, 0.3] if "addc" in self.schema.name else 0.5)
        made = {
            "List[Tensor]": lambda: next(lists),
            "List[number]": lambda: [0.5, 0.25, 0.75],
            "number": lambda: 2.0,
            "Tensor": lambda: one,
        }
        types = [str(a.type) for a in self.schema.arguments if not a.kwarg_only]
        results = self.op(*(made[kind]() for kind in types if kind in made))
        for p, result in zip(self.parameters, results or (), strict=False):
            p.add_(result)


def captured(name: str, device: str) -> StepProgram:
    return capture_step(Listed(name, LIST_OPS[name], device))


LIST_OPS = every_list_op()
ON_REAL_TENSORS = ("add_.List", "addcdiv_.Tensor", "lerp.Scalar", "maximum_.List", "norm.Scalar")


@pytest.mark.parametrize("name", LIST_OPS)
def test_every_list_op_is_one_op_a_tensor(name: str) -> None:
    plain = name.removeprefix("_foreach_").partition(".")[0].rstrip("_")
    on_meta = captured(name, "meta")
    assert {op.owner for op in on_meta.ops} == {0, 1, 2}
    assert not any("_foreach_" in op.name for op in on_meta.ops)
    if plain in WITHOUT_A_KERNEL:
        with pytest.raises(UnknownOpError, match=rf"aten\.{plain}_?\.default for parameter"):
            check_costs(on_meta, WSE2)
    else:
        check_costs(on_meta, WSE2)


@pytest.mark.parametrize("name", ON_REAL_TENSORS)
def test_real_tensors_give_the_same_ops(name: str) -> None:
    on_meta, real = (captured(f"_foreach_{name}", device) for device in ("meta", "cpu"))
    assert [op.name for op in on_meta.ops] == [op.name for op in real.ops]


def test_other_ops_are_no_list_ops() -> None:
    assert is_list_op(torch.ops.aten._foreach_add_.List)
    assert not is_list_op(torch.ops.aten.add_.Tensor)


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
        (torch.optim.RMSprop, {"centered": True, "momentum": 0.9}),
        (torch.optim.Adadelta, {"weight_decay": 0.1}),
    ],
)
def test_a_step_by_lists_takes_as_long_as_one_by_tensors(
    rule: type[torch.optim.Optimizer], arguments: dict[str, object]
) -> None:
    cycles = []
    for listed in (False, True):
        model = nn.Linear(12, 10)
        optimizer = rule(model.parameters(), lr=0.1, foreach=listed, **arguments)  # type: ignore[call-arg]
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        optimizer.step()  # torch makes its state in the first step
        result = wse_emulator.run(model, optimizer=optimizer, wafer="wse2:3x4")
        cycles.append(result.steps[0].cycles)
    assert cycles[0] == cycles[1]
