"""``check``: any optimizer, judged by the static-state rules."""

from __future__ import annotations

import torch

from wse_emulator.capture.step import Scheduler, judge_steps
from wse_emulator.errors import StaticRuleError
from wse_emulator.models.modules import refuse_unsized
from wse_emulator.ops import check_costs
from wse_emulator.results.check import CheckReport
from wse_emulator.wafer import WSE2


def check(
    optimizer: torch.optim.Optimizer,
    scheduler: Scheduler | None = None,
    *,
    model: torch.nn.Module | None = None,
    steps: int = 16,
) -> CheckReport:
    """Judge any optimizer by the static-state rules.

    Every parameter is given a gradient and ``steps`` real steps are captured: parameters and
    state move. Names of parameters come from ``model``.

    Returns:
        The verdict with one entry a rule and state.

    Raises:
        InputError: no parameters, one without a size (of a lazy layer), or ``steps`` below 1.

    Example:
        >>> p = torch.nn.Parameter(torch.zeros(4))
        >>> p.grad = torch.ones(4)
        >>> wse_emulator.check(optimizers.AdamW([p])).legal
        True
        >>> report = wse_emulator.check(torch.optim.AdamW([p]))
        >>> report.legal
        False
        >>> print(report.violations[0].remedy)
        use optimizers.AdamW, which allocates all state in its constructor
    """
    groups = [group["params"] for group in optimizer.param_groups]
    named = ((f"parameter {i}", p) for i, p in enumerate(p for group in groups for p in group))
    refuse_unsized(named, type(optimizer).__name__)
    program, violations = judge_steps(optimizer, scheduler, model=model, steps=steps)
    found = list(violations)
    if program is not None:
        try:
            check_costs(program, WSE2)
        except StaticRuleError as error:
            found.append(error)
    return CheckReport(
        optimizer=f"{type(optimizer).__module__}.{type(optimizer).__qualname__}",
        steps=steps,
        violations=tuple(found),
    )
