# ruff: noqa: ARG005 - an update is given the optimizer and the parameter
"""Optimizers that carry something past the rules of static state: each is judged by its rule.

A wafer's program is chosen before it runs. Each of these would need another program, other storage
or the host at some later step, though most issue the same ops at every step.
"""

from __future__ import annotations

import copy
import ctypes
import io
import pickle
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.capture.small import Prepare, Small, Update, grad, judged

# --- a view that a Python counter chooses ----------------------------------------------------


def history(s: Small) -> None:
    for p in s.ps:
        s.state[p]["hist"] = torch.zeros((4, *p.shape))


def ring(s: Small, p: Tensor) -> None:
    hist = s.state[p]["hist"]
    hist[s.n % 4].copy_(grad(p))
    p.sub_(hist.mean(0))


def ring_by_narrow(s: Small, p: Tensor) -> None:
    hist = s.state[p]["hist"]
    hist.narrow(0, s.n % 4, 1).copy_(grad(p)[None])
    p.sub_(hist.mean(0))


def ring_by_as_strided(s: Small, p: Tensor) -> None:
    hist = s.state[p]["hist"]
    hist.as_strided(p.shape, p.stride(), (s.n % 4) * p.numel()).copy_(grad(p))
    p.sub_(hist.mean(0))


def ring_by_index(s: Small, p: Tensor) -> None:
    p.sub_(s.state[p]["hist"].index_select(0, torch.tensor([s.n % 4]))[0] + grad(p))


def ring_by_split(s: Small, p: Tensor) -> None:
    p.sub_(s.state[p]["hist"].unbind(0)[s.n % 4] + grad(p))


def rolled(s: Small, p: Tensor) -> None:
    p.sub_(grad(p).roll(s.n, 0))


def table(s: Small) -> None:
    s.mine = {"rates": -0.1 / torch.arange(1, 200).float()}


def rate_from_table(s: Small, p: Tensor) -> None:
    p.addcmul_(grad(p), s.mine["rates"][s.n])


def transposed_in_turn(s: Small, p: Tensor) -> None:
    p.sub_(grad(p).t() if p.dim() == 2 and s.n % 2 else grad(p))


def permuted_in_turn(s: Small, p: Tensor) -> None:
    p.sub_(grad(p).permute(*((1, 0) if s.n % 2 and p.dim() == 2 else range(p.dim()))))


def longer_each_time(s: Small, p: Tensor) -> None:
    p[: 1 + s.n % 3].sub_(0.1)


def two_in_turn(s: Small) -> None:
    s.mine = {p: (torch.zeros_like(p), torch.ones_like(p)) for p in s.ps}


def constants_in_turn(s: Small, p: Tensor) -> None:
    p.sub_(grad(p) * s.mine[p][s.n % 2])


VIEWS: list[tuple[Update, Prepare | None]] = [
    (ring, history),
    (ring_by_narrow, history),
    (ring_by_as_strided, history),
    (ring_by_split, history),
    (rate_from_table, table),
    (transposed_in_turn, None),
    (permuted_in_turn, None),
    (longer_each_time, None),
    (constants_in_turn, two_in_turn),
]

# --- state, parameters and gradients that get other storage ----------------------------------


def banks(s: Small) -> None:
    s.mine = {p: torch.zeros((4, *p.shape)) for p in s.ps}
    for p in s.ps:
        s.state[p]["m"] = s.mine[p][0]


def state_view_moves(s: Small, p: Tensor) -> None:
    s.state[p]["m"] = s.mine[p][s.n % 4]
    s.m(p).copy_(grad(p))


def state_transposed(s: Small, p: Tensor) -> None:
    if p.dim() == 2:
        s.m(p).t_()
    p.sub_(s.m(p).add_(grad(p)))


def state_data(s: Small, p: Tensor) -> None:
    s.m(p).data = s.m(p) * 0.9 + grad(p)


def state_set(s: Small, p: Tensor) -> None:
    s.m(p).set_(s.m(p) * 0.9 + grad(p))


def state_swapped(s: Small, p: Tensor) -> None:
    torch.utils.swap_tensors(s.m(p), s.m(p) * 0.9 + grad(p))


def second(s: Small) -> None:
    for p in s.ps:
        s.state[p]["v"] = torch.zeros_like(p)


def state_exchanged(s: Small, p: Tensor) -> None:
    entries = s.state[p]
    entries["m"].copy_(grad(p))
    entries["m"], entries["v"] = entries["v"], entries["m"]


def state_resized(s: Small, p: Tensor) -> None:
    s.m(p).resize_(s.n + 1)


def storage_resized(s: Small, p: Tensor) -> None:
    s.m(p).untyped_storage().resize_(4 * (20 + s.n))


def listed(s: Small) -> None:
    for p in s.ps:
        s.state[p]["old"] = [torch.zeros_like(p), torch.zeros_like(p)]


def list_rotates(s: Small, p: Tensor) -> None:
    old = s.state[p]["old"]
    old.append(old.pop(0).copy_(grad(p)))
    p.sub_(old[0])


REPLACED: list[tuple[Update, Prepare | None]] = [
    (state_view_moves, banks),
    (state_transposed, None),
    (state_data, None),
    (state_set, None),
    (state_swapped, None),
    (state_exchanged, second),
    (state_resized, None),
    (storage_resized, None),
    (list_rotates, listed),
]


def data_assigned(s: Small, p: Tensor) -> None:
    p.data = p.data - 0.1 * grad(p)


def parameter_set(s: Small, p: Tensor) -> None:
    p.set_(p - 0.1 * grad(p))


def parameter_swapped(s: Small, p: Tensor) -> None:
    torch.utils.swap_tensors(p.data, p.data - 0.1 * grad(p))
    p.data = p.data.clone()


def parameter_transposed(s: Small, p: Tensor) -> None:
    p.sub_(grad(p))
    if p.dim() == 2:
        p.t_()


def buffers(s: Small) -> None:
    s.mine = {p: [p.data, torch.zeros_like(p)] for p in s.ps}


def double_buffered(s: Small, p: Tensor) -> None:
    s.mine[p][s.n % 2].copy_(p - grad(p))
    p.data = s.mine[p][s.n % 2]


PARAMETER: list[tuple[Update, Prepare | None]] = [
    (data_assigned, None),
    (parameter_set, None),
    (parameter_swapped, None),
    (parameter_transposed, None),
    (double_buffered, buffers),
]


def list_grows(s: Small, p: Tensor) -> None:
    s.state[p].setdefault("old", []).append(grad(p).clone())


def made_late(s: Small, p: Tensor) -> None:
    s.state[p].setdefault("v", torch.zeros_like(p))


def made_for_no_parameter(s: Small, p: Tensor) -> None:
    s.state["all"].setdefault("norm", torch.zeros(()))


CREATED: list[tuple[Update, Prepare | None]] = [
    (list_grows, None),
    (made_late, None),
    (made_for_no_parameter, None),
]

# --- tensors that outlive the step and are no state -------------------------------------------


def zeros(s: Small) -> None:
    s.mine = {p: torch.zeros_like(p) for p in s.ps}


def in_an_attribute(s: Small, p: Tensor) -> None:
    s.mine[p] = s.mine[p] * 0.9 + grad(p)
    p.sub_(s.mine[p])


def in_an_attribute_of_the_parameter(s: Small, p: Any) -> None:
    p.kept = getattr(p, "kept", torch.zeros_like(p)) * 0.9 + grad(p)
    p.sub_(p.kept)


def group_entry(s: Small) -> None:
    s.group["t"] = torch.zeros(())


def in_the_group(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["t"] = s.group["t"] + 1
    p.addcmul_(grad(p), s.group["t"])


def betas(s: Small) -> None:
    s.group["betas"] = (torch.tensor(0.9), torch.tensor(0.99))


def in_the_groups_tuple(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["betas"] = (s.group["betas"][0] * 0.9, s.group["betas"][1])
    p.addcmul_(grad(p), s.group["betas"][0])


_GLOBAL = [torch.zeros(())]


def in_a_global(s: Small, p: Tensor) -> None:
    _GLOBAL[0] = _GLOBAL[0] * 0.9 + grad(p).norm()
    p.addcmul_(grad(p), _GLOBAL[0])


def in_a_default(s: Small, p: Tensor, kept: Any = {}) -> None:  # noqa: B006
    kept[0] = kept.get(0, torch.zeros(())) + 1
    p.addcmul_(grad(p), kept[0])


def slow_copies(s: Small) -> None:
    s.mine = {p: p.detach().clone() for p in s.ps}


def slow_weights(s: Small, p: Tensor) -> None:
    p.sub_(grad(p))
    s.mine[p] = s.mine[p] + 0.5 * (p - s.mine[p])
    p.copy_(s.mine[p])


_OTHER = nn.Linear(3, 3)


def another_models_data(s: Small, p: Tensor) -> None:
    p.sub_(grad(p))
    _OTHER.weight.data = _OTHER.weight.data * 0.9


class Holder:
    """Any object that is not the optimizer."""

    kept: Tensor = torch.zeros(())


def in_a_class(s: Small, p: Tensor) -> None:
    Holder.kept = Holder.kept * 0.9 + grad(p).norm()
    p.addcmul_(grad(p), Holder.kept)


def in_a_storage(s: Small, p: Tensor) -> None:
    before = s.mine.get(p)
    kept = torch.zeros_like(p)
    if before is not None:
        kept = torch.empty(0).set_(before, 0, p.shape, p.stride())
    p.sub_(kept)
    s.mine[p] = (kept * 0.9 + grad(p)).untyped_storage()


def in_a_generator(s: Small) -> None:
    def averaged() -> Any:
        kept, given = torch.zeros(()), yield_nothing
        while True:
            given = yield kept
            kept = kept * 0.9 + given

    yield_nothing = torch.zeros(())
    s.mine = {"average": averaged()}
    next(s.mine["average"])


def from_a_generator(s: Small, p: Tensor) -> None:
    p.addcmul_(grad(p), s.mine["average"].send(grad(p).norm()))


def gradient_before(s: Small, p: Tensor) -> None:
    before = s.mine.get(p, grad(p))
    s.mine[p] = grad(p)
    p.sub_(grad(p) - before)


def gradient_of_the_first_step(s: Small, p: Tensor) -> None:
    p.sub_(s.mine.setdefault(p, grad(p).data))


HIDDEN: list[tuple[Update, Prepare | None]] = [
    (gradient_before, None),
    (gradient_of_the_first_step, None),
    (in_an_attribute, zeros),
    (in_an_attribute_of_the_parameter, None),
    (in_the_group, group_entry),
    (in_the_groups_tuple, betas),
    (in_a_global, None),
    (in_a_default, None),
    (slow_weights, slow_copies),
    (another_models_data, None),
    (in_a_class, None),
    (in_a_storage, None),
    (from_a_generator, in_a_generator),
]

# --- numbers that change, as tensors ----------------------------------------------------------


def number(make: Callable[[Small, Tensor], Tensor], name: str) -> Update:
    def update(s: Small, p: Tensor) -> None:
        p.addcmul_(grad(p), make(s, p))

    update.__name__ = name
    return update


def constant_of_numpy(s: Small) -> None:
    s.mine = {"numbers": np.zeros(3, "float32")}
    s.mine["tensor"] = torch.from_numpy(s.mine["numbers"])


def array_behind_a_tensor(s: Small, p: Tensor) -> None:
    s.mine["numbers"] += 1
    p.sub_(s.mine["tensor"])


def end_of_a_large_array(s: Small, p: Tensor) -> Tensor:
    made = np.zeros(600_001, "float32")
    made[-2] = s.n
    return torch.from_numpy(made).sum()


_NUMPY = np.random.default_rng(0)


def f32(value: object) -> Any:
    return np.asarray(value, dtype="float32")


NUMBERS: list[tuple[Update, Prepare | None]] = [
    (number(lambda s, p: torch.tensor(-0.1 / s.n), "tensor"), None),
    (number(lambda s, p: torch.as_tensor(-0.1 / s.n), "as_tensor"), None),
    (number(lambda s, p: torch.as_tensor(f32(-0.1 / s.n)), "as_tensor_of_array"), None),
    (number(lambda s, p: torch.asarray(-0.1 / s.n), "asarray"), None),
    (number(lambda s, p: p.new_tensor(-0.1 / s.n), "new_tensor"), None),
    (number(lambda s, p: p.new([-0.1 / s.n]), "new"), None),
    (number(lambda s, p: torch.Tensor([-0.1 / s.n]), "Tensor"), None),
    (number(lambda s, p: torch.FloatTensor([-0.1 / s.n]), "FloatTensor"), None),
    (number(lambda s, p: torch.from_numpy(f32([-0.1 / s.n])), "from_numpy"), None),
    (number(lambda s, p: torch.from_dlpack(f32([-0.1 / s.n])), "from_dlpack"), None),
    (
        number(
            lambda s, p: torch.frombuffer(bytearray(f32([-0.1 / s.n])), dtype=torch.float32),
            "frombuffer",
        ),
        None,
    ),
    (number(lambda s, p: torch.as_tensor(f32(_NUMPY.random(p.shape))), "numpy_random"), None),
    (number(lambda s, p: torch.tensor(random.random()), "python_random"), None),
    (number(lambda s, p: torch.tensor([1.0] * 30 + [-0.1 / s.n])[30], "end_of_a_list"), None),
    (number(end_of_a_large_array, "end_of_a_large_array"), None),
    (lambda s, p: p.sub_(torch.vmap(lambda g: g * (1 / s.n))(grad(p))), None),
    (number(lambda s, p: torch.full((), -0.1 / s.n), "full"), None),
    (number(lambda s, p: torch.scalar_tensor(-0.1 / s.n), "scalar_tensor"), None),
    (number(lambda s, p: torch.zeros(()).fill_(-0.1 / s.n), "fill"), None),
    (number(lambda s, p: grad(p).masked_fill(grad(p) > 0, s.n), "masked_fill"), None),
    (number(lambda s, p: torch.where(grad(p) > 0, 1.0 / s.n, 0.0), "where"), None),
    (number(lambda s, p: torch.linspace(0, s.n, 3), "linspace"), None),
    (number(lambda s, p: grad(p).clamp(max=s.n), "clamp"), None),
    (number(lambda s, p: grad(p) ** s.n, "power"), None),
    (number(lambda s, p: torch.arange(s.n, s.n + 3), "arange"), None),
    (lambda s, p: p.reshape(-1).__setitem__(0, 0.1 * s.n), None),
    (lambda s, p: p.sub_(grad(p) * np.float32(0.1 / s.n)), None),
    (lambda s, p: p.sub_(grad(p), alpha=0.1 * 0.9**s.n), None),
]

# --- the rate ---------------------------------------------------------------------------------


def rate_rebound(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["lr"] = s.group["lr"] * 0.99
    p.addcmul_(grad(p), s.group["lr"], value=-1)


def rate_written(s: Small, p: Tensor) -> None:
    if p is s.ps[0]:
        s.group["lr"].mul_(0.99)
    p.addcmul_(grad(p), s.group["lr"], value=-1)


def rate_written_by_data(s: Small, p: Tensor) -> None:
    s.group["lr"].data.fill_(0.01)


RATES: list[Update] = [rate_rebound, rate_written, rate_written_by_data]

# --- reads ------------------------------------------------------------------------------------


def jump(s: Small, p: Tensor) -> None:
    if p.norm() > 10:
        p.zero_()


def through_a_thread(s: Small, p: Tensor) -> None:
    found: list[float] = []
    worker = threading.Thread(target=lambda: found.append(grad(p).norm().item()))
    worker.start()
    worker.join()


READS: dict[str, Update] = {
    "if": jump,
    "item": lambda s, p: s.m(p).sum().item(),
    "float": lambda s, p: float(s.m(p).sum()),
    "int": lambda s, p: int(s.m(p).sum()),
    "max": lambda s, p: max(s.m(p).sum(), grad(p).sum()),
    "equal": lambda s, p: torch.equal(p, grad(p)),
    "allclose": lambda s, p: torch.allclose(p, grad(p)),
    "is_nonzero": lambda s, p: torch.is_nonzero(s.m(p).sum()),
    "in": lambda s, p: 0.0 in s.m(p),
    "repr": lambda s, p: repr(s.m(p)),
    "format": lambda s, p: f"{s.m(p)}",
    "format_scalar": lambda s, p: f"{s.m(p).sum():.3f}",
    "tolist": lambda s, p: s.m(p).tolist(),
    "numpy": lambda s, p: s.m(p).numpy(),
    "asarray": lambda s, p: np.asarray(s.m(p)),
    "ufunc": lambda s, p: np.add(s.m(p), 1),  # type: ignore[call-overload]
    "dlpack": lambda s, p: np.from_dlpack(s.m(p)),
    "to_dlpack": lambda s, p: torch.utils.dlpack.to_dlpack(s.m(p)),  # type: ignore[attr-defined]
    "cpu": lambda s, p: s.m(p).cpu(),
    "to_cpu": lambda s, p: s.m(p).to("cpu"),
    "pickle": lambda s, p: pickle.dumps(s.m(p)),
    "save": lambda s, p: torch.save(s.m(p), io.BytesIO()),
    "deepcopy": lambda s, p: copy.deepcopy(s.m(p)),
    "storage": lambda s, p: s.m(p).untyped_storage().tolist(),
    "storage_item": lambda s, p: s.m(p).untyped_storage()[0],
    "address": lambda s, p: s.m(p).data_ptr(),
    "storage_address": lambda s, p: s.m(p).untyped_storage().data_ptr(),
    "string_at": lambda s, p: ctypes.string_at(s.mine["address"], 4),
    "from_address": lambda s, p: ctypes.c_float.from_address(s.mine["address"]).value,
    "cast": lambda s, p: ctypes.cast(s.mine["address"], ctypes.POINTER(ctypes.c_float))[0],
    "index": lambda s, p: [0, 1, 2][s.m(p).sum().long()],
    "narrow": lambda s, p: p.narrow(0, s.m(p).sum().long(), 1),
    "tensor_split": lambda s, p: p.tensor_split(s.m(p).reshape(-1)[:1].long()),
    "list_of_tensors": lambda s, p: torch.tensor([s.m(p).sum(), grad(p).sum()]),
    "thread": through_a_thread,
}

SHAPES: dict[str, Update] = {
    "nonzero": lambda s, p: grad(p).nonzero(),
    "where": lambda s, p: torch.where(grad(p) > 0),
    "mask": lambda s, p: grad(p)[grad(p) > 0],
    "masked_select": lambda s, p: grad(p).masked_select(grad(p) > 0),
    "unique": lambda s, p: grad(p).unique(),
    "repeat": lambda s, p: torch.repeat_interleave((grad(p) > 0).reshape(-1).long()),
}

RANDOM: dict[str, Update] = {
    "rand_like": lambda s, p: p.sub_(torch.rand_like(p)),
    "randn": lambda s, p: p.sub_(torch.randn(p.shape)),
    "bernoulli": lambda s, p: s.m(p).bernoulli_(0.5),
    "normal": lambda s, p: s.m(p).normal_(),
    "dropout": lambda s, p: p.sub_(torch.nn.functional.dropout(grad(p))),
    "init": lambda s, p: p.sub_(nn.init.trunc_normal_(torch.empty_like(p))),
    "randperm": lambda s, p: p.sub_(grad(p)[torch.randperm(3)]),
    "generator": lambda s, p: p.sub_(
        torch.rand(p.shape, generator=torch.Generator().manual_seed(s.n))
    ),
}

# --- what torch does not see ------------------------------------------------------------------


def arrays(s: Small) -> None:
    s.mine = {p: (p.detach().numpy(), s.m(p).numpy()) for p in s.ps}


def parameter_by_numpy(s: Small, p: Tensor) -> None:
    s.mine[p][0][...] -= 0.1


def state_by_numpy(s: Small, p: Tensor) -> None:
    s.mine[p][1][...] += 1
    p.sub_(s.m(p))


def parameter_by_numpy_too(s: Small, p: Tensor) -> None:
    s.mine[p][0][...] -= 0.1
    p.sub_(grad(p))
    s.mine[p][0][...] -= 0.1


def state_by_numpy_too(s: Small, p: Tensor) -> None:
    s.m(p).add_(grad(p))
    s.mine[p][1][...] *= 0.9


def addresses(s: Small) -> None:
    s.mine = {p: p.data_ptr() for p in s.ps}
    s.mine["address"] = s.ps[0].data_ptr()


def parameter_by_address(s: Small, p: Tensor) -> None:
    ctypes.memset(s.mine[p], s.n, 4)


def pool(s: Small) -> None:
    s.mine = {"pool": ThreadPoolExecutor(1)}
    s.mine["pool"].submit(int).result()


@torch.no_grad()
def _subtract(p: Tensor) -> None:
    p.sub_(grad(p))


def write_in_a_pool(s: Small, p: Tensor) -> None:
    s.mine["pool"].submit(_subtract, p).result()


def write_in_a_thread(s: Small, p: Tensor) -> None:
    worker = threading.Thread(target=_subtract, args=(p,))
    worker.start()
    worker.join()


class Waiting(threading.Thread):
    """A thread of its own that was started before the first step, and waits for jobs.

    It ends with the main thread: Python ends a daemon in the middle of torch's code, and aborts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wanted, self.done = threading.Event(), threading.Event()
        self.job: Callable[[], object] = int
        self.start()

    def run(self) -> None:
        while threading.main_thread().is_alive():
            if self.wanted.wait(0.1):
                self.wanted.clear()
                self.job()
                self.done.set()


def waiting(s: Small) -> None:
    s.mine = {"worker": Waiting()}


def write_in_a_waiting_thread(s: Small, p: Tensor) -> None:
    worker = s.mine["worker"]
    worker.job = lambda: _subtract(p)
    worker.wanted.set()
    worker.done.wait(10)
    worker.done.clear()


UNSEEN: list[tuple[Update, Prepare | None]] = [
    (parameter_by_numpy, arrays),
    (state_by_numpy, arrays),
    (parameter_by_numpy_too, arrays),
    (state_by_numpy_too, arrays),
    (parameter_by_address, addresses),
    (write_in_a_waiting_thread, waiting),
    (array_behind_a_tensor, constant_of_numpy),
]

# --- others -----------------------------------------------------------------------------------


def adds_a_group(s: Small, p: Tensor) -> None:
    if len(s.param_groups) == 1:
        s.add_param_group({"params": [nn.Parameter(torch.zeros(2))]})


def drops_a_parameter(s: Small, p: Tensor) -> None:
    s.group["params"] = s.group["params"][:1]


def binds_a_gradient(s: Small, p: Tensor) -> None:
    p.grad = grad(p) * 0.5


def writes_a_hyper_parameter(s: Small, p: Tensor) -> None:
    s.group["t"].add_(1)


def computed_in_a_waiting_thread(s: Small, p: Tensor) -> None:
    worker = s.mine["worker"]

    def job() -> None:
        s.mine[p] = s.mine.get(p, 0) * 0.9 + grad(p)

    worker.job = job
    worker.wanted.set()
    worker.done.wait(10)
    worker.done.clear()
    p.sub_(s.mine[p])


def bits_in_turn(s: Small, p: Tensor) -> None:
    bits = grad(p).view(torch.int32) if s.n % 2 else grad(p)
    p.copy_(torch.where(bits > 0, p, -p))


def rules_of(update: Update, prepare: Prepare | None = None, **options: Any) -> dict[str, str]:
    return {v.rule: str(v) for v in judged(update, prepare, **options)}


CASES = [
    *(("graph-changes-between-steps", *pair) for pair in VIEWS),
    *(("state-replaced-in-step", *pair) for pair in REPLACED),
    *(("parameter-replaced-in-step", *pair) for pair in PARAMETER),
    *(("state-created-in-step", *pair) for pair in CREATED),
    *(("state-outside-state", *pair) for pair in HIDDEN),
    *(("python-number-changes", *pair) for pair in NUMBERS),
    *(("rate-changes-in-step", update, None) for update in RATES),
    *(("host-synchronisation", update, addresses) for update in READS.values()),
    *(("shape-depends-on-values", update, None) for update in SHAPES.values()),
    *(("random-numbers-in-step", update, None) for update in RANDOM.values()),
    *(("writes-without-an-op", *pair) for pair in UNSEEN),
    ("ops-in-another-thread", write_in_a_thread, None),
    ("ops-in-another-thread", write_in_a_pool, pool),
    ("python-number-changes", ring_by_index, history),
    ("python-number-changes", rolled, None),
    ("python-number-changes", computed_in_a_waiting_thread, waiting),
    ("graph-changes-between-steps", bits_in_turn, None),
    ("parameters-change-in-step", adds_a_group, None),
    ("parameters-change-in-step", drops_a_parameter, None),
    ("writes-outside-state", binds_a_gradient, None),
    ("writes-outside-state", writes_a_hyper_parameter, group_entry),
]


@pytest.mark.filterwarnings("ignore")  # torch warns of some of these, and it is right
@pytest.mark.parametrize(
    ("rule", "update", "prepare"),
    CASES,
    ids=[f"{update.__name__}-{rule}" for rule, update, _ in CASES],  # type: ignore[attr-defined]
)
def test_each_is_judged_by_its_rule_with_its_line(
    rule: str, update: Update, prepare: Prepare | None
) -> None:
    rate = torch.tensor(0.1) if update in RATES else 0.1
    found = rules_of(update, prepare, lr=rate)
    assert rule in found
    assert all(".py:" in said for said in found.values()), found
    assert "Remedy: " in found[rule]
