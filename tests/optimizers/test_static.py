"""A step is one static graph: on meta tensors, in every step, and as one compiled graph."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import optimizers
from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS
from tests.optimizers.tracing import operations_of_step

EACH = pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)


def parameters(record: OptimizerRecord, device: str = "cpu") -> list[torch.nn.Parameter]:
    shapes = [(4, 3), (2, 3, 4)] if record.least_dims == 2 else [(4, 3), (5,), (), (2, 3, 4)]
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(shape, generator=generator) for shape in shapes]
    return [torch.nn.Parameter(v.to(device)) for v in values]


def give_gradients(params: list[torch.nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for p in params:
        gradient = torch.randn(p.shape, generator=generator)
        p.grad = gradient.to(p.device)


def every_accepted(record: OptimizerRecord) -> list[dict[str, Any]]:
    return [dict(arguments) for arguments in record.accepted]


@EACH
def test_the_graphs_of_steps_1_2_and_100_are_equal(record: OptimizerRecord) -> None:
    for arguments in every_accepted(record):
        params = parameters(record)
        optimizer = record.optimizer(params, **arguments)
        graphs = {}
        for step in range(1, 101):
            give_gradients(params, step)
            if step in (1, 2, 100):
                graphs[step] = operations_of_step(optimizer)
            else:
                optimizer.step()
        assert graphs[1] == graphs[2] == graphs[100]
        assert all(torch.isfinite(p).all() for p in params)


@EACH
def test_meta_tensors_give_the_graph_of_real_ones(record: OptimizerRecord) -> None:
    for arguments in every_accepted(record):
        graphs = []
        for device in ("cpu", "meta"):
            params = parameters(record, device)
            give_gradients(params, 0)
            optimizer = record.optimizer(params, **arguments)
            graphs.append(operations_of_step(optimizer))
        names = [[op[0] for op in graph] for graph in graphs]
        assert names[0] == names[1]
        assert "_local_scalar_dense" not in str(names)  # nothing asks for a value


# These divide last, and a float rate is folded into the division.
FOLDS_A_FLOAT_RATE = ("Adagrad", "RMSprop")


@EACH
def test_a_rate_in_a_tensor_costs_no_further_whole_tensor_op(record: OptimizerRecord) -> None:
    counts = []
    for rate in (0.01, torch.tensor(0.01)):
        params = parameters(record)
        give_gradients(params, 0)
        graph = operations_of_step(record.optimizer(params, **{**record.accepted[0], "lr": rate}))
        counts.append(sum(any(a and a[0] == (4, 3) for a in op[1:]) for op in graph))
    assert counts[1] - counts[0] == (record.name in FOLDS_A_FLOAT_RATE)


@EACH
def test_whole_step_compiles_to_one_graph_with_the_same_numbers(record: OptimizerRecord) -> None:
    assert spacings_off_when_compiled(record, "aot_eager") <= 4


@EACH
@pytest.mark.deep  # a minute, and it needs a C++ compiler
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_inductor_keeps_the_numbers(record: OptimizerRecord) -> None:
    bfloat16_spacing = 2**16  # Muon's products are in bfloat16; fused, they are rounded less often
    limit = bfloat16_spacing if record.name == "Muon" else 4
    assert spacings_off_when_compiled(record, "inductor") <= limit


def spacings_off_when_compiled(record: OptimizerRecord, backend: str) -> float:
    """Largest difference of eager and compiled parameters, in spacings at the largest value."""
    arguments = record.accepted[1]
    eager_params, compiled_params = parameters(record), parameters(record)
    eager = record.optimizer(eager_params, **arguments)
    step = optimizers.compiled_step(record.optimizer(compiled_params, **arguments), backend=backend)
    torch._dynamo.reset()
    for seed in range(2):
        give_gradients(eager_params, seed)
        give_gradients(compiled_params, seed)
        eager.step()
        step()
    return max(
        float((p - q).detach().abs().max() / (torch.finfo(p.dtype).eps * p.detach().abs().max()))
        for p, q in zip(eager_params, compiled_params, strict=True)
    )


def test_adamw_is_eight_whole_tensor_operations_and_one_temporary() -> None:
    p = torch.nn.Parameter(torch.ones(8, 8))
    p.grad = torch.ones(8, 8)
    graph = operations_of_step(optimizers.AdamW([p], weight_decay=0.1))
    whole = [op for op in graph if ((8, 8), torch.float32, "cpu") in op]
    assert [op[0] for op in whole] == [
        "aten.lerp_.Scalar",
        "aten.mul_.Tensor",
        "aten.addcmul_.default",
        "aten.add_.Tensor",
        "aten.sqrt.default",  # the one temporary
        "aten.add_.Tensor",
        "aten.div.out",
        "aten.addcmul_.default",
    ]


@EACH
def test_a_step_needs_no_more_than_five_tensors_of_temporaries(record: OptimizerRecord) -> None:
    """The largest working set is one parameter's, whatever the number of parameters."""
    peaks = []
    for count in (1, 8):
        params = [torch.nn.Parameter(torch.ones(64, 64)) for _ in range(count)]
        give_gradients(params, 0)
        optimizer = record.optimizer(params, **record.accepted[0])
        with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
            optimizer.step()
        peaks.append(peak_bytes(profile))
    one_tensor = 64 * 64 * 4
    assert peaks[1] <= peaks[0] + one_tensor // 4
    assert peaks[0] <= 5 * one_tensor


def peak_bytes(profile: torch.profiler.profile) -> int:
    """Most bytes held at once beyond those held at the start."""
    inner = profile.profiler
    assert inner is not None
    assert inner.kineto_results is not None
    held = peak = 0
    for event in inner.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()  # type: ignore[attr-defined]  # absent from the stub
            peak = max(peak, held)
    return peak


def test_the_rate_of_a_schedule_may_start_at_zero() -> None:
    for record in RECORDS:
        params = parameters(record)
        rate = torch.zeros(())
        optimizer = record.optimizer(params, **{**record.accepted[0], "lr": rate})
        give_gradients(params, 0)
        for p in params:
            assert p.grad is not None
            p.grad.view(-1)[0] = 0.0
        optimizer.step()
        assert all(torch.isfinite(p).all() for p in params), record.name


def test_a_rate_in_a_tensor_is_the_rate_as_a_number() -> None:
    for record in RECORDS:
        results = []
        for rate in (0.03125, torch.tensor(0.03125)):  # a power of two: equal in both
            params = parameters(record)
            optimizer = record.optimizer(params, **{**record.accepted[0], "lr": rate})
            for seed in range(3):
                give_gradients(params, seed)
                optimizer.step()
            results.append(torch.cat([p.detach().flatten() for p in params]))
        torch.testing.assert_close(*results, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_a_float32_rate_serves_parameters_of_any_dtype(dtype: torch.dtype) -> None:
    for record in RECORDS:
        p = torch.nn.Parameter(torch.zeros(4, 4, dtype=dtype))
        arguments = {**record.accepted[0], "lr": torch.tensor(0.25)}
        if "eps" in record.accepted[-1] or record.name in ("NAdam", "RMSprop", "Adafactor"):
            arguments["eps"] = (0.01, 0.01) if record.name == "Adafactor" else 0.01
        optimizer = record.optimizer([p], **arguments)
        p.grad = torch.ones_like(p)
        optimizer.step()
        assert p.dtype == dtype
        assert torch.isfinite(p).all()
        assert (p != 0).all(), record.name
        assert math.isclose(float(arguments["lr"]), 0.25)
