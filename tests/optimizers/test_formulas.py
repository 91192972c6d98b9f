"""Every rule against its own restatement, on any shape, layout and dtype."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizers.record import OptimizerRecord
from tests.optimizers.records import RECORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 8
# Gradients are sums of these, apart from exact zeros: signs and products are decided well away
# from rounding, so a rule that branches on a sign is compared with the same branch.
MAGNITUDES = torch.tensor([0.0, 0.25, 0.5, 1.0, -0.25, -0.5, -1.0])

# Share of the displacement, and units in the last place of the parameter, that may be lost in
# eight steps. float64 keeps scalar states in float32; in 16 bits every state is rounded to 8 or 11
# bits each step.
TOLERANCE = {
    torch.float64: (2e-5, 16),
    torch.float32: (2e-5, 16),
    torch.float16: (2e-2, 16),
    torch.bfloat16: (0.12, 16),
}
# Muon computes in bfloat16 whatever the parameter: three products an iteration, unit singular
# values.
MUON_SHARE = 0.15


def arguments_for(record: OptimizerRecord, index: int, dtype: torch.dtype) -> dict[str, Any]:
    """A set of arguments of the records, with an eps that float16 can hold.

    A smaller eps rounds to zero, or to a subnormal number of few bits: that case is documented as
    unsupported, and left out here.
    """
    arguments = dict(record.accepted[index % len(record.accepted)])
    if dtype == torch.float16 and "eps" in inspect.signature(record.optimizer).parameters:
        arguments["eps"] = (0.01, 0.01) if record.name == "Adafactor" else 0.01
    return arguments


def strided(values: torch.Tensor, contiguous: bool) -> torch.Tensor:
    """The same values, in every second element of a larger storage unless contiguous."""
    if contiguous or values.dim() == 0:
        return values.clone()
    return torch.stack([values, values], -1).select(-1, 0)


def exact(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.detach().to(torch.float64).numpy().copy()


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.name)
@settings(max_examples=25)
@given(data=st.data())
def test_rule_equals_its_formula(record: OptimizerRecord, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(list(TOLERANCE)))
    shape: Sequence[int] = data.draw(
        st.lists(
            st.integers(1 if record.name == "Muon" else 0, 4),
            min_size=record.least_dims,
            max_size=3,
        )
    )
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10_000)))
    arguments = arguments_for(record, data.draw(st.integers(0, 9)), dtype)
    start = torch.randn(tuple(shape), generator=generator, dtype=torch.float64)
    start = (start * data.draw(st.sampled_from([1.0, 16.0]))).to(dtype)  # norms around Lamb's bound
    choices = torch.randint(0, len(MAGNITUDES), (STEPS, *shape), generator=generator)
    gradients = MAGNITUDES[choices].to(dtype)

    p = torch.nn.Parameter(strided(start, data.draw(st.booleans())))
    optimizer = record.optimizer([p], **arguments)
    path = []
    for gradient in gradients:
        p.grad = strided(gradient, data.draw(st.booleans()))
        optimizer.step()
        path.append(exact(p))

    formula = record.formula(exact(start), [exact(g) for g in gradients], **arguments)
    expected = np.stack(list(formula))
    got = np.stack(path)
    assert np.isfinite(got).all()
    if not got.size:
        return
    share, ulps = TOLERANCE[dtype]
    if record.name == "Muon":
        share = max(share, MUON_SHARE)
    moved = np.abs(expected - exact(start)).max()
    limit = share * moved + ulps * torch.finfo(dtype).eps * np.abs(expected).max()
    assert np.abs(got - expected).max() <= limit
