"""Update rules of published optimizers: legal where all state is made at once and written in place,
illegal, by the right rule, as the packages that publish them write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.capture.small import Prepare, Small, Update, grad, judged
from wse_emulator.capture.lineage import Lineage
from wse_emulator.capture.parameter_names import parameter_names
from wse_emulator.capture.step import trace_update
from wse_emulator.capture.storages import declare_gradients
from wse_emulator.capture.tracer import StepTracer

LR, B1, B2, EPS = 0.01, 0.9, 0.99, 1e-8


def states(*like: str, **scalars: float) -> Prepare:
    """State tensors of the parameter's shape, and 0-dim ones that begin with a number."""

    def prepare(s: Small) -> None:
        for p in s.ps:
            s.state[p].update({name: torch.zeros_like(p) for name in like})
            s.state[p].update({n: torch.full((), v, device=p.device) for n, v in scalars.items()})

    return prepare


def held(s: Small, p: Tensor, *names: str) -> list[Any]:
    return [s.state[p][name] for name in names]


def corrected(s: Small, p: Tensor) -> tuple[Tensor, Tensor]:
    """1 - beta^t of both betas, whose powers are state."""
    b1, b2 = held(s, p, "b1", "b2")
    return 1 - b1.mul_(B1), 1 - b2.mul_(B2)


# --- legal ------------------------------------------------------------------------------------


def sophia(s: Small, p: Tensor) -> None:
    m, h = held(s, p, "m", "h")
    m.lerp_(grad(p), 1 - B1)
    h.mul_(B2).addcmul_(grad(p), grad(p), value=1 - B2)
    p.sub_((m / (h * 0.04).clamp_(min=EPS)).clamp_(-1, 1), alpha=LR)


def adan(s: Small, p: Tensor) -> None:
    m, v, n, before = held(s, p, "m", "v", "n", "before")
    change = grad(p) - before
    m.lerp_(grad(p), 0.02)
    v.lerp_(change, 0.08)
    n.lerp_((grad(p) + change * 0.92).square(), 0.01)
    p.sub_((m + v * 0.92) / (n.sqrt() + EPS), alpha=LR).mul_(1 / (1 + LR * 0.02))
    before.copy_(grad(p))


def lion(s: Small, p: Tensor) -> None:
    m = s.m(p)
    p.sub_(torch.sign(m * B1 + grad(p) * (1 - B1)), alpha=LR)
    m.lerp_(grad(p), 1 - B2)


def adam(s: Small, p: Tensor) -> None:
    m, v = held(s, p, "m", "v")
    c1, c2 = corrected(s, p)
    m.lerp_(grad(p), 1 - B1)
    v.mul_(B2).addcmul_(grad(p), grad(p), value=1 - B2)
    p.sub_(m / c1 / ((v / c2).sqrt() + EPS), alpha=LR)


def trust(p: Tensor, update: Tensor) -> Tensor:
    weight, length = p.norm(), update.norm()
    one = torch.ones_like(weight)
    return torch.where((weight > 0) & (length > 0), weight / length, one)


def lamb(s: Small, p: Tensor) -> None:
    m, v = held(s, p, "m", "v")
    m.lerp_(grad(p), 1 - B1)
    v.lerp_(grad(p).square(), 1 - B2)
    update = m / (v.sqrt() + EPS) + p * 0.01
    p.sub_(update * trust(p, update) * LR)


def lamb_of_all(s: Small, p: Tensor) -> None:
    """The gradients are divided by their global norm first, which is summed from a Python 0."""
    total = torch.tensor(0.0, device=p.device)
    for q in s.ps:
        total += grad(q).square().sum()
    s.m(p).lerp_(grad(p) / total.sqrt().clamp(min=1.0), 1 - B1)
    p.sub_(s.m(p) * trust(p, s.m(p)) * LR)


def lars(s: Small, p: Tensor) -> None:
    update = grad(p) + p * 1e-4
    s.m(p).mul_(B1).add_(update * trust(p, update) * 0.001)
    p.sub_(s.m(p))


def shared(s: Small) -> None:
    states("v", "from_start")(s)
    for p in s.ps:
        s.state[p]["start"] = p.detach().clone()
    s.state["all"] = {
        name: torch.full((), 1e-6, device=s.ps[0].device) for name in ("d", "num", "den")
    }


def prodigy(s: Small, p: Tensor) -> None:
    d, num, den = (s.state["all"][name] for name in ("d", "num", "den"))
    if p is s.ps[0]:
        for q in s.ps:
            num.add_((grad(q) * (s.state[q]["start"] - q)).sum() * d)
            s.state[q]["from_start"].add_(grad(q) * d * d)
            den.add_(s.state[q]["from_start"].abs().sum())
        d.copy_(torch.maximum(d, num / den.clamp(min=EPS)))
    m, v = held(s, p, "m", "v")
    m.mul_(B1).add_(grad(p) * d)
    v.mul_(B2).add_(grad(p).square() * d * d)
    p.sub_(m / (v.sqrt() + d * EPS) * d)


def d_adaptation(s: Small, p: Tensor) -> None:
    d, num, den = (s.state["all"][name] for name in ("d", "num", "den"))
    s.m(p).add_(grad(p) * d)
    num.add_((grad(p) * s.m(p)).sum())
    den.add_(grad(p).square().sum())
    d.copy_(torch.maximum(d, num / den.sqrt()))
    p.sub_(grad(p) * d)


def two_matrices(s: Small) -> None:
    for p in s.ps:
        s.state[p]["GG"] = [torch.eye(n, device=p.device) for n in p.shape]


def root(matrix: Tensor) -> Tensor:
    """Newton-Schulz steps towards the inverse square root."""
    y = matrix / matrix.norm()
    z = torch.eye(len(y), device=y.device)
    for _ in range(3):
        t = 1.5 * torch.eye(len(y), device=y.device) - 0.5 * z @ y
        y, z = y @ t, t @ z
    return z


def shampoo(s: Small, p: Tensor) -> None:
    update = grad(p)
    for dim, matrix in enumerate(s.state[p]["GG"]):
        rows = grad(p).movedim(dim, 0).reshape(p.shape[dim], -1)
        matrix.add_(rows @ rows.t())
        update = torch.tensordot(update, root(matrix), ([0], [0]))
    p.sub_(s.m(p).lerp_(update, 1 - B1), alpha=LR)


def bases(s: Small) -> None:
    two_matrices(s)
    for p in s.ps:
        s.state[p]["Q"] = [torch.eye(n, device=p.device) for n in p.shape]
        s.state[p]["v"] = torch.zeros_like(p)


def soap(s: Small, p: Tensor) -> None:
    s.m(p).lerp_(grad(p), 1 - B1)
    turned = grad(p)
    for dim, (matrix, q) in enumerate(zip(s.state[p]["GG"], s.state[p]["Q"], strict=True)):
        rows = grad(p).movedim(dim, 0).reshape(p.shape[dim], -1)
        matrix.lerp_(rows @ rows.t(), 1 - B2)
        q.copy_(torch.linalg.qr(matrix @ q).Q)
        turned = torch.tensordot(turned, q, ([0], [0]))
    s.state[p]["v"].lerp_(turned.square(), 1 - B2)
    p.sub_(s.m(p) / (s.state[p]["v"].sqrt() + EPS), alpha=LR)


def at_start(*names: str, **scalars: float) -> Prepare:
    """State tensors that begin as copies of the parameter, and 0-dim ones."""

    def prepare(s: Small) -> None:
        states(**scalars)(s)
        for p in s.ps:
            s.state[p].update({name: p.detach().clone() for name in names})

    return prepare


def schedule_free(s: Small, p: Tensor) -> None:
    z, x, k = held(s, p, "z", "x", "k")
    k.add_(1)
    z.sub_(grad(p), alpha=LR)
    x.lerp_(z, 1 / k)
    p.copy_(torch.lerp(z, x, 0.9))


def projection(s: Small) -> None:
    for p in s.ps:
        s.state[p]["basis"] = torch.eye(p.shape[0], 2, device=p.device)
        low = (2, *p.shape[1:])
        s.state[p]["low_m"] = torch.zeros(low, device=p.device)
        s.state[p]["low_v"] = torch.zeros(low, device=p.device)


def galore(s: Small, p: Tensor) -> None:
    basis, m, v = held(s, p, "basis", "low_m", "low_v")
    low = basis.t() @ grad(p)
    m.lerp_(low, 1 - B1)
    v.lerp_(low.square(), 1 - B2)
    p.sub_(basis @ (m / (v.sqrt() + EPS)), alpha=LR)


def codes(s: Small) -> None:
    for p in s.ps:
        s.state[p]["codes"] = torch.zeros_like(p, dtype=torch.uint8)
        s.state[p]["scale"] = torch.ones((), device=p.device)


def eight_bit(s: Small, p: Tensor) -> None:
    held_codes, scale = held(s, p, "codes", "scale")
    m = (held_codes.float() - 128) * scale * B1 + grad(p)
    scale.copy_(m.abs().amax() / 127)
    held_codes.copy_((m / scale).round().add_(128).clamp_(0, 255))
    p.sub_(m, alpha=LR)


def averaged(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR)
    s.state[p]["ema"].lerp_(p, 0.01)


def lookahead(s: Small, p: Tensor) -> None:
    slow, k = held(s, p, "slow", "k")
    p.sub_(grad(p), alpha=LR)
    k.copy_((k + 1) % 5)
    slow.copy_(torch.where(k == 0, torch.lerp(slow, p, 0.5), slow))
    p.copy_(torch.where(k == 0, slow, p))


def swa(s: Small, p: Tensor) -> None:
    average, count = held(s, p, "average", "count")
    p.sub_(grad(p), alpha=LR)
    average.add_((p - average) / count.add_(1))


def adabelief(s: Small, p: Tensor) -> None:
    m, v = held(s, p, "m", "v")
    c1, c2 = corrected(s, p)
    m.lerp_(grad(p), 1 - B1)
    v.lerp_((grad(p) - m).square(), 1 - B2).add_(EPS)
    p.sub_(m / c1 / ((v / c2).sqrt() + EPS), alpha=LR)


def adabound(s: Small, p: Tensor) -> None:
    m, v, t = held(s, p, "m", "v", "t")
    t.add_(1)
    m.lerp_(grad(p), 1 - B1)
    v.lerp_(grad(p).square(), 1 - B2)
    lower, upper = 0.1 * (1 - 1 / (t * 0.001 + 1)), 0.1 * (1 + 1 / (t * 0.001))
    p.sub_(torch.minimum(torch.maximum(LR / (v.sqrt() + EPS), lower), upper) * m)


def qhadam(s: Small, p: Tensor) -> None:
    m, v = held(s, p, "m", "v")
    m.lerp_(grad(p), 1 - B1)
    v.lerp_(grad(p).square(), 1 - B2)
    p.sub_(
        (grad(p) * 0.3 + m * 0.7) / (grad(p).square() * 0.1 + v * 0.9).sqrt().add_(EPS), alpha=LR
    )


def yogi(s: Small, p: Tensor) -> None:
    m, v = held(s, p, "m", "v")
    square = grad(p).square()
    m.lerp_(grad(p), 1 - B1)
    v.addcmul_(torch.sign(v - square), square, value=-(1 - B2))
    p.sub_(m / (v.sqrt() + 1e-3), alpha=LR)


def covers(s: Small) -> None:
    for p in s.ps:
        s.state[p]["covers"] = [
            torch.zeros([n if i == d else 1 for i in range(p.dim())], device=p.device)
            for d, n in enumerate(p.shape)
        ]


def sm3(s: Small, p: Tensor) -> None:
    accumulators = s.state[p]["covers"]
    v = accumulators[0].expand_as(p)
    for other in accumulators[1:]:
        v = torch.minimum(v, other)
    v = v + grad(p).square()
    for dim, accumulator in enumerate(accumulators):
        others = [d for d in range(p.dim()) if d != dim]
        accumulator.copy_(v.amax(others, keepdim=True) if others else v)
    p.sub_(grad(p) / v.sqrt().add(EPS), alpha=LR)


def factors(s: Small) -> None:
    for p in s.ps:
        for name in ("row", "column", "row_of_residue", "column_of_residue"):
            s.state[p][name] = torch.zeros(
                p.shape[-1:] if "column" in name else p.shape[:1], device=p.device
            )


def came(s: Small, p: Tensor) -> None:
    rows, columns, more_rows, more_columns = held(
        s, p, "row", "column", "row_of_residue", "column_of_residue"
    )
    if p.dim() < 2:
        p.sub_(s.m(p).lerp_(grad(p), 1 - B1), alpha=LR)
        return
    square = grad(p).square() + EPS
    rows.lerp_(square.mean(1), 1 - B2)
    columns.lerp_(square.mean(0), 1 - B2)
    update = grad(p) / (rows[:, None] * columns / rows.mean()).sqrt()
    update = update / (update.square().mean().sqrt()).clamp(min=1.0)
    s.m(p).lerp_(update, 1 - B1)
    residue = (update - s.m(p)).square() + EPS
    more_rows.lerp_(residue.mean(1), 1 - B2)
    more_columns.lerp_(residue.mean(0), 1 - B2)
    p.sub_(s.m(p) / (more_rows[:, None] * more_columns / more_rows.mean()).sqrt(), alpha=LR)


def sign_sgd(s: Small, p: Tensor) -> None:
    p.sub_(s.m(p).mul_(B1).add_(grad(p)).sign(), alpha=LR)


def novograd(s: Small, p: Tensor) -> None:
    (v,) = held(s, p, "second")
    v.lerp_(grad(p).square().sum(), 1 - B2)
    s.m(p).mul_(B1).add_(grad(p) / (v.sqrt() + EPS) + p * 0.01)
    p.sub_(s.m(p), alpha=LR)


def ranger(s: Small, p: Tensor) -> None:
    """RAdam, whose rectification is chosen by values, and Lookahead around it."""
    m, v, t = held(s, p, "m", "v", "t")
    c1, c2 = corrected(s, p)
    t.add_(1)
    m.lerp_(grad(p), 1 - B1)
    v.lerp_(grad(p).square(), 1 - B2)
    largest = 2 / (1 - B2) - 1
    length = largest - 2 * t * (1 - c2) / c2
    kept = length.clamp(min=4.01)
    factor = ((kept - 4) * (kept - 2) / ((largest - 4) * (largest - 2) * kept)).sqrt()
    update = torch.where(length > 5, m / c1 * factor / ((v / c2).sqrt() + EPS), m / c1)
    p.sub_(update, alpha=LR)
    slow = s.state[p]["slow"]
    slow.copy_(torch.where(t % 6 == 0, torch.lerp(slow, p, 0.5), slow))
    p.copy_(torch.where(t % 6 == 0, slow, p))


def ranger_states(s: Small) -> None:
    at_start("slow", t=0.0, b1=1.0, b2=1.0)(s)
    states("v")(s)


def centralised(s: Small, p: Tensor) -> None:
    g = grad(p)
    if g.dim() > 1:
        g = g - g.mean(1, keepdim=True)
    p.sub_(s.m(p).mul_(B1).add_(g), alpha=LR)


def ademamix(s: Small, p: Tensor) -> None:
    m, slow, v, t = held(s, p, "m", "slow", "v", "t")
    t.add_(1)
    c1, c2 = corrected(s, p)
    m.lerp_(grad(p), 1 - B1)
    beta3 = torch.minimum(t / 1000, torch.ones_like(t)) * 0.0999 + 0.9
    slow.mul_(beta3).add_(grad(p) * (1 - beta3))
    v.lerp_(grad(p).square(), 1 - B2)
    p.sub_((m / c1 + slow * 5) / ((v / c2).sqrt() + EPS), alpha=LR)


def cautious(s: Small, p: Tensor) -> None:
    m = s.m(p).lerp_(grad(p), 1 - B1)
    mask = (m * grad(p) > 0).to(p.dtype)
    p.sub_(m * mask / mask.mean().clamp(min=1e-3), alpha=LR)


def mars(s: Small, p: Tensor) -> None:
    m, before = held(s, p, "m", "before")
    c = grad(p) + (grad(p) - before) * 0.025
    c = c / c.norm().clamp(min=1.0)
    m.lerp_(c, 1 - B1)
    p.sub_(m, alpha=LR)
    before.copy_(grad(p))


def accumulating(s: Small, p: Tensor) -> None:
    """One update in four steps; the others only add to the sum."""
    total, t = held(s, p, "total", "t")
    total.add_(grad(p))
    t.copy_((t + 1) % 4)
    p.copy_(torch.where(t == 0, p - total * LR, p))
    total.copy_(torch.where(t == 0, torch.zeros_like(total), total))


def pseudo_random(s: Small, p: Tensor) -> None:
    """Rounds by numbers that a counter in the state gives."""
    (t,) = held(s, p, "t")
    noise = torch.frac(torch.sin(t.add_(1) * 12.9898 + grad(p) * 78.233) * 43758.5453)
    p.sub_(torch.round(grad(p) * 8 + noise) / 8, alpha=LR)


def logging(s: Small, p: Tensor) -> None:
    """Keeps tensors for the host to read between steps, and reads none of them itself."""
    s.mine[p] = s.m(p).lerp_(grad(p), 1 - B1).norm()
    s.group["seen"] = s.n
    p.sub_(s.m(p), alpha=LR)


def constants(s: Small, p: Tensor) -> None:
    """Numbers that are the same at every step, made tensors again and again."""
    made = [torch.tensor(LR), torch.as_tensor([LR])[0], p.new_tensor(LR), torch.full((), LR)]
    p.sub_(grad(p) * made[0] * made[1] * made[2] * made[3] + s.mine["table"][1])


def guarded(s: Small, p: Tensor) -> None:
    """A gradient that is no number is none, as many training scripts guard themselves."""
    p.sub_(torch.where(torch.isfinite(grad(p)), grad(p), torch.zeros_like(p)), alpha=LR)


def a_table(s: Small) -> None:
    s.mine["table"] = torch.arange(3.0, device=s.ps[0].device)


BIAS = {"b1": 1.0, "b2": 1.0}
LEGAL: list[tuple[Update, Prepare | None]] = [
    (sophia, states("h")),
    (adan, states("v", "n", "before")),
    (lion, None),
    (adam, states("v", **BIAS)),
    (lamb, states("v")),
    (lamb_of_all, None),
    (lars, None),
    (prodigy, shared),
    (d_adaptation, shared),
    (shampoo, two_matrices),
    (soap, bases),
    (schedule_free, at_start("z", "x", k=0.0)),
    (galore, projection),
    (eight_bit, codes),
    (averaged, at_start("ema")),
    (lookahead, at_start("slow", k=0.0)),
    (swa, at_start("average", count=0.0)),
    (adabelief, states("v", **BIAS)),
    (adabound, states("v", t=0.0)),
    (qhadam, states("v")),
    (yogi, states("v")),
    (sm3, covers),
    (came, factors),
    (sign_sgd, None),
    (novograd, states(second=0.0)),
    (ranger, ranger_states),
    (centralised, None),
    (ademamix, states("slow", "v", t=0.0, **BIAS)),
    (cautious, None),
    (mars, states("before")),
    (accumulating, states("total", t=0.0)),
    (pseudo_random, states(t=0.0)),
    (logging, None),
    (constants, a_table),
    (guarded, None),
]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(("update", "prepare"), LEGAL, ids=[u.__name__ for u, _ in LEGAL])  # type: ignore[attr-defined]
def test_a_static_one_is_legal(update: Update, prepare: Prepare | None, device: str) -> None:
    assert [str(v) for v in judged(update, prepare, steps=5, device=device)] == []


# --- illegal ----------------------------------------------------------------------------------


def lazily(s: Small, p: Tensor, *names: str) -> dict[str, Any]:
    state: dict[str, Any] = s.state[p]
    if names[0] not in state:
        state["step"] = 0
        state.update({name: torch.zeros_like(p) for name in names})
    state["step"] += 1
    return state


def adam_as_published(s: Small, p: Tensor) -> None:
    state = lazily(s, p, "exp_avg", "exp_avg_sq")
    state["exp_avg"].lerp_(grad(p), 1 - B1)
    state["exp_avg_sq"].lerp_(grad(p).square(), 1 - B2)
    size = LR * (1 - B2 ** state["step"]) ** 0.5 / (1 - B1 ** state["step"])
    p.addcdiv_(state["exp_avg"], state["exp_avg_sq"].sqrt().add_(EPS), value=-size)


def group_counts(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["step"] = s.group.get("step", 0) + 1
    p.sub_(s.m(p).lerp_(grad(p), 1 - B1) / (1 - B1 ** s.group["step"]), alpha=LR)


def radam_branches(s: Small, p: Tensor) -> None:
    length = 199 - 2 * s.n * B2**s.n / (1 - B2**s.n)
    s.m(p).lerp_(grad(p), 1 - B1)
    p.sub_(s.m(p) / grad(p).abs() if s.n > 2 and length > -1e9 else s.m(p), alpha=LR)


def lookahead_branches(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR)
    if s.n % 2 == 0:
        s.state[p]["slow"].lerp_(p, 0.5)
        p.copy_(s.state[p]["slow"])


def lamb_branches(s: Small, p: Tensor) -> None:
    weight, length = p.norm(), grad(p).norm()
    ratio = 1.0 if weight == 0 or length == 0 else weight / length
    p.sub_(grad(p) * ratio, alpha=LR)


def prodigy_floats(s: Small, p: Tensor) -> None:
    s.group["d"] = max(s.group.get("d", 1e-6), (grad(p) * p).sum().item())
    p.sub_(grad(p), alpha=s.group["d"])


def ema_rebound(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR)
    s.mine[p] = 0.99 * s.mine.get(p, p.detach()) + 0.01 * p


def shampoo_in_turn(s: Small, p: Tensor) -> None:
    if s.n % 3 == 1:
        s.m(p).add_(grad(p).square())
    p.sub_(grad(p) / (s.m(p).sqrt() + EPS), alpha=LR)


def galore_projects_anew(s: Small, p: Tensor) -> None:
    if s.n == 1:
        s.mine[p] = torch.linalg.svd(grad(p)[:, None] if p.dim() == 1 else grad(p))[0]
    p.sub_(s.mine[p] @ grad(p), alpha=LR)


def schedule_free_counts(s: Small, p: Tensor) -> None:
    s.m(p).lerp_(grad(p), 1 / (s.n + 1))
    p.sub_(s.m(p), alpha=LR)


def eight_bit_rebound(s: Small, p: Tensor) -> None:
    m = s.state[p]["codes"].float() * B1 + grad(p)
    s.state[p]["codes"] = m.clamp(0, 255).to(torch.uint8)
    p.sub_(m, alpha=LR)


def langevin(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR).add_(torch.randn_like(p), alpha=LR)


def accumulating_in_turn(s: Small, p: Tensor) -> None:
    s.m(p).add_(grad(p))
    if s.n % 2 == 0:
        p.sub_(s.m(p), alpha=LR)
        s.m(p).zero_()


def clipping_branches(s: Small, p: Tensor) -> None:
    norm = grad(p).norm()
    p.sub_(grad(p) / norm if norm > 1 else grad(p), alpha=LR)


def centralised_in_place(s: Small, p: Tensor) -> None:
    if p.dim() > 1:
        grad(p).sub_(grad(p).mean(1, keepdim=True))
    p.sub_(grad(p), alpha=LR)


def swa_swaps(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR)
    p.data, s.state[p]["m"].data = s.m(p).data, p.data


def cosine_of_its_own(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["lr"] = 0.1 * 0.99**s.n
    p.sub_(grad(p), alpha=s.group["lr"])


def nan_guard(s: Small, p: Tensor) -> None:
    if torch.isfinite(grad(p)).all():
        p.sub_(grad(p), alpha=LR)


def sparse_rows(s: Small, p: Tensor) -> None:
    rows = grad(p).reshape(p.shape[0], -1).abs().sum(1) > 1
    p[rows] -= LR * grad(p)[rows]


def prints_its_norm(s: Small, p: Tensor) -> None:
    p.sub_(grad(p), alpha=LR)
    str(grad(p).norm())


PUBLISHED: list[tuple[str, Update, Prepare | None]] = [
    ("state-created-in-step", adam_as_published, None),
    ("python-number-changes", adam_as_published, None),
    ("python-number-changes", group_counts, None),
    ("graph-changes-between-steps", radam_branches, None),
    ("graph-changes-between-steps", lookahead_branches, at_start("slow")),
    ("host-synchronisation", lamb_branches, None),
    ("host-synchronisation", prodigy_floats, None),
    ("state-outside-state", ema_rebound, None),
    ("graph-changes-between-steps", shampoo_in_turn, None),
    ("state-outside-state", galore_projects_anew, None),
    ("python-number-changes", schedule_free_counts, None),
    ("state-replaced-in-step", eight_bit_rebound, codes),
    ("random-numbers-in-step", langevin, None),
    ("graph-changes-between-steps", accumulating_in_turn, None),
    ("host-synchronisation", clipping_branches, None),
    ("writes-outside-state", centralised_in_place, None),
    ("parameter-replaced-in-step", swa_swaps, None),
    ("rate-changes-in-step", cosine_of_its_own, None),
    ("host-synchronisation", nan_guard, None),
    ("shape-depends-on-values", sparse_rows, None),
    ("host-synchronisation", prints_its_norm, None),
]


@pytest.mark.parametrize(
    ("rule", "update", "prepare"),
    PUBLISHED,
    ids=[f"{u.__name__}-{rule}" for rule, u, _ in PUBLISHED],  # type: ignore[attr-defined]
)
def test_as_published_it_breaks_a_rule(rule: str, update: Update, prepare: Prepare | None) -> None:
    found = {v.rule: str(v) for v in judged(update, prepare, steps=5)}
    assert rule in found, found
    assert ".py:" in found[rule]


# --- with a closure ---------------------------------------------------------------------------


class Sam(torch.optim.Optimizer):
    """Sharpness-aware minimisation: up the gradient, another backward pass, down again."""

    def __init__(self, params: Any, keeps: bool) -> None:
        super().__init__(params, {"lr": LR})
        self.keeps = keeps
        for p in self.param_groups[0]["params"]:
            self.state[p]["old"] = torch.zeros_like(p)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        ps = self.param_groups[0]["params"]
        norm = torch.stack([p.grad.norm() for p in ps]).norm()
        for p in ps:
            if self.keeps:
                self.state[p]["old"].copy_(p)
            else:
                self.state[p]["old"] = p.data.clone()
            p.add_(p.grad * (0.05 / (norm + 1e-12)))
        with torch.enable_grad():
            loss = closure()
        for p in ps:
            p.copy_(self.state[p]["old"]).sub_(p.grad, alpha=LR)
        return loss


@pytest.mark.parametrize(("keeps", "rules"), [(True, set()), (False, {"state-replaced-in-step"})])
def test_sam_with_a_closure(keeps: bool, rules: set[str]) -> None:
    model = nn.Linear(3, 2)
    optimizer = Sam(model.parameters(), keeps)
    names = parameter_names(optimizer, model)
    lineage, found = Lineage(), set()

    def backward() -> Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(4, 3)).square().mean()
        loss.backward()
        if loss.item() < 0:
            raise ArithmeticError
        return loss

    def step(tracer: StepTracer) -> None:
        def unrecorded() -> Tensor:
            tracer.recording = False
            loss = backward()
            tracer.recording = True
            declare_gradients(tracer.table, optimizer, names)
            return loss

        optimizer.step(unrecorded)

    for _ in range(4):
        backward()
        trace = trace_update(optimizer, None, names, step, lineage)
        found |= {v.rule for v in trace.violations}
    assert found == rules
