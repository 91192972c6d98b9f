"""Ops without a record are recorded as those that torch writes them as; the step runs as is."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.ruled import Rule, Ruled
from wse_emulator.capture.step import capture_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops import check_costs
from wse_emulator.program import StepProgram, ValueKind
from wse_emulator.wafer import WSE2, WSE3

WRITTEN: dict[str, tuple[Rule, list[str]]] = {
    "std": (lambda g: g / g.std(), ["mean", "sub", "mul", "sum", "div", "sqrt", "div"]),
    "std of rows": (
        lambda g: g / g.std(-1, keepdim=True),
        ["mean", "sub", "mul", "sum", "div", "sqrt", "div"],
    ),
    "var": (lambda g: g.sub_(g.var(0)), ["mean", "sub", "mul", "sum", "div", "sub"]),
    "softmax": (lambda g: g.softmax(-1), ["amax", "sub", "exp", "sum", "div"]),
    "log_softmax": (lambda g: g.log_softmax(0), ["amax", "sub", "exp", "sum", "log", "sub"]),
    "silu": (functional.silu, ["sigmoid", "mul"]),
    "silu in place": (
        lambda g: functional.silu(g * 1, inplace=True),
        ["mul", "sigmoid", "mul", "copy"],
    ),
    "gelu": (functional.gelu, ["mul", "mul", "erf", "add", "mul"]),
    "a flattened roll": (lambda g: g.roll(3), ["roll"]),
    "rolls": (lambda g: g.roll((1, 2), (0, 1)), ["roll", "roll"]),
    "cumsum": (lambda g: g.cumsum(0), ["cumsum"]),
    "erf": (torch.erf, ["erf"]),
    "a chain of them": (
        lambda g: functional.silu(g.T).softmax(0).T,
        ["sigmoid", "mul", "contiguous", "amax", "sub", "exp", "sum", "div"],
    ),
}
RULES = {name: rule for name, (rule, _) in WRITTEN.items() if name != "var"}


def program_of(rule: Rule, device: str = "meta", dtype: torch.dtype = torch.float32) -> StepProgram:
    return capture_step(Ruled([nn.Parameter(torch.ones(6, 4, device=device, dtype=dtype))], rule))


@pytest.mark.parametrize("name", RULES)
def test_what_is_recorded(name: str) -> None:
    rule, expected = WRITTEN[name]
    program = program_of(rule)
    assert [op.base_name for op in program.ops] == [*expected, "add"]
    assert {op.owner for op in program.ops} == {0}
    for spec in (WSE2, WSE3):
        check_costs(program, spec)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", RULES)
def test_real_tensors_and_meta_tensors_give_one_program(name: str, dtype: torch.dtype) -> None:
    rule = RULES[name]
    programs = [program_of(rule, device, dtype) for device in ("meta", "cpu", "cpu")]

    def plain(program: StepProgram) -> list[object]:
        values = [(v.name, v.kind, v.shape, v.dtype, v.strides) for v in program.values]
        ops = [
            (o.name, o.reads, o.writes, o.shape, o.dtype, o.read_shapes, o.read_strides)
            for o in program.ops
        ]
        return [values, ops]

    assert plain(programs[0]) == plain(programs[1]) == plain(programs[2])


@pytest.mark.parametrize("name", RULES)
def test_the_numbers_of_the_step_are_those_without_capture(name: str) -> None:
    rule = RULES[name]
    captured, alone = (nn.Parameter(torch.ones(6, 4)) for _ in range(2))
    capture_step(Ruled([captured], rule))  # two steps, with gradients of its own
    generator = torch.Generator().manual_seed(0)
    optimizer = Ruled([alone], rule)
    for _ in range(2):
        alone.grad = torch.randn(alone.shape, generator=generator)
        optimizer.step()
    assert torch.equal(captured, alone)


def test_an_op_in_place_writes_the_storage_that_it_was_given() -> None:
    class WithState(Ruled):
        def __init__(self, params: list[nn.Parameter]) -> None:
            super().__init__(params, lambda g: g)
            for p in params:
                self.state[p]["gate"] = torch.zeros_like(p)

        @torch.no_grad()
        def step(self, _: None = None) -> None:
            for p in self.param_groups[0]["params"]:
                gate = self.state[p]["gate"]
                gate.add_(p.grad)
                functional.silu(gate.T, inplace=True)
                p.sub_(gate)

    program = capture_step(WithState([nn.Parameter(torch.ones(6, 4, device="meta"))]))
    written = program.ops[-2]
    assert written.base_name == "copy"
    assert [program.values[i].name for i in written.writes] == ["param_groups[0][0].gate"]
    assert written.read_strides[0] == (1, 4)


def test_what_is_made_is_a_temporary_that_later_ops_read() -> None:
    program = program_of(lambda g: g.softmax(-1))
    made = program.ops[-2]
    assert [program.values[i].kind for i in made.writes] == [ValueKind.TEMPORARY]
    assert made.writes[0] in program.ops[-1].reads


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (lambda g: g.sort()[0], r"aten\.sort\.default"),
        (lambda g: g.flip(0), r"aten\.flip\.default"),
        (torch.triu, r"aten\.triu\.default"),
        (torch.tril, r"aten\.tril\.default"),
    ],
)
def test_what_does_not_come_apart_is_refused_by_its_own_name(rule: Rule, name: str) -> None:
    program = program_of(rule)
    with pytest.raises(UnknownOpError, match=f"{name} for parameter .*docs/ops.md"):
        check_costs(program, WSE2)
