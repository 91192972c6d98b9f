"""A copy of an optimizer reaches no tensor of the original, and is built like it."""

from __future__ import annotations

import array
import functools
import random
import threading
import weakref
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import optimizers
from wse_emulator.capture.copies import NeedsValuesError, NotCopiedError, Twin, twin
from wse_emulator.capture.doubles import address

Pair = namedtuple("Pair", ["left", "right"])


class Slotted:
    """An object without a dict."""

    __slots__ = ("_slotted__x", "tensor")

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


@dataclass(frozen=True)
class Frozen:
    """An object that refuses to be changed."""

    tensor: torch.Tensor


class Holder:
    """Any attributes."""

    def __init__(self, **held: object) -> None:
        self.__dict__.update(held)


@pytest.fixture(params=[True, False], ids=["values", "bare"])
def values(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def copied(root: Holder, values: bool) -> Holder:
    made: Twin[Holder] = twin(root, values=values)
    assert made.copy is not root
    return made.copy


def big(seed: float = 1.0) -> torch.Tensor:
    return torch.full((30, 4), seed)


def reached(x: object) -> Iterator[torch.Tensor]:
    """Tensors in an object, through everything that the tests below put around them."""
    if isinstance(x, torch.Tensor):
        yield x
    elif isinstance(x, dict):
        for key, value in x.items():
            yield from reached(key)
            yield from reached(value)
    elif isinstance(x, (list, tuple, set, frozenset, deque)):
        for item in x:
            yield from reached(item)
    elif isinstance(x, functools.partial):
        yield from reached([x.args, x.keywords])
    elif isinstance(x, weakref.ref):
        yield from reached(x())
    elif callable(x) and hasattr(x, "__closure__"):
        yield from reached([cell.cell_contents for cell in x.__closure__ or ()])
    elif isinstance(x, Slotted):
        yield x.tensor
    elif hasattr(x, "__dict__"):
        yield from reached(vars(x))


def closure_over(tensor: torch.Tensor) -> object:
    return lambda: tensor


def _with_attribute(t: torch.Tensor) -> torch.Tensor:
    outer = torch.zeros(90)
    outer.inner = t  # type: ignore[attr-defined]  # any attribute
    return outer


def _with_gradient(t: torch.Tensor) -> torch.Tensor:
    outer = nn.Parameter(torch.zeros_like(t))
    outer.grad = t
    return outer


CASES = {
    "list": lambda t: [t, [t]],
    "dict": lambda t: {"a": {"b": t}},
    "key": lambda t: {t: 1},
    "ordered": lambda t: OrderedDict(a=t),
    "default": lambda t: defaultdict(list, a=[t]),
    "deque": lambda t: deque([t], maxlen=3),
    "set": lambda t: {t},
    "frozenset": lambda t: frozenset([t]),
    "namedtuple": lambda t: Pair(t, 1),
    "slots": Slotted,
    "frozen dataclass": Frozen,
    "closure": closure_over,
    "partial": lambda t: functools.partial(print, t, end=t),
    "module": lambda t: nn.ParameterList([nn.Parameter(t)]),
    "optimizer": lambda t: torch.optim.SGD([t.requires_grad_()], lr=0.1),
    "attribute of a tensor": _with_attribute,
    "gradient": _with_gradient,
}


@pytest.mark.parametrize("around", CASES)
def test_no_tensor_of_the_original_is_reached(around: str, values: bool) -> None:
    original = Holder(held=CASES[around](big()))
    copy = copied(original, values)
    found, before = list(reached(copy)), list(reached(original))
    assert len(found) == len(before) > 0
    for made, was in zip(found, before, strict=True):
        assert made is not was
        assert made.is_meta is not values
        assert (made.shape, made.dtype, made.stride()) == (was.shape, was.dtype, was.stride())
        assert not values or torch.equal(made, was)
        assert made.untyped_storage()._cdata != was.untyped_storage()._cdata


def test_what_shares_a_storage_shares_one_in_the_copy(values: bool) -> None:
    flat = torch.arange(100.0)
    copy = copied(
        Holder(flat=flat, view=flat[10:40].view(5, 6), turned=flat[40:100].view(6, 10).t()), values
    )
    flat_copy, view, turned = copy.flat, copy.view, copy.turned  # type: ignore[attr-defined]
    assert view.untyped_storage()._cdata == flat_copy.untyped_storage()._cdata
    assert (view.storage_offset(), turned.storage_offset()) == (10, 40)
    assert turned.stride() == (1, 10)
    if values:
        flat_copy.zero_()
        assert turned.abs().sum() == 0
        assert flat.sum() > 0


def test_tied_parameters_stay_tied_and_keep_their_class(values: bool) -> None:
    class Marked(nn.Parameter):
        pass

    tied = nn.Parameter(big(), requires_grad=False)
    marked = Marked(big())
    copy = copied(Holder(a=tied, b=[tied], marked=marked), values)
    assert copy.a is copy.b[0]  # type: ignore[attr-defined]
    assert type(copy.a) is nn.Parameter  # type: ignore[attr-defined]
    assert copy.a.requires_grad is False  # type: ignore[attr-defined]
    assert type(copy.marked) is Marked  # type: ignore[attr-defined]
    assert copy.marked.requires_grad is True  # type: ignore[attr-defined]


def test_small_numbers_keep_their_values_without_values() -> None:
    copy = copied(Holder(step=torch.tensor(7.0), big=big()), values=False)
    assert copy.step == 7  # type: ignore[attr-defined]
    assert copy.big.is_meta  # type: ignore[attr-defined]


def test_a_tensor_is_known_again_by_its_id_and_its_address(values: bool) -> None:
    tensor = big()
    copy = copied(
        Holder(
            tensor=tensor,
            by_id={id(tensor): 1},
            ids={(id(tensor), "m")},
            by_address={tensor.data_ptr(): 2},
        ),
        values,
    )
    assert id(copy.tensor) in copy.by_id  # type: ignore[attr-defined]
    assert (id(copy.tensor), "m") in copy.ids  # type: ignore[attr-defined]
    assert address(copy.tensor) in copy.by_address  # type: ignore[attr-defined]


def test_generators_of_random_numbers_go_on_alike_and_apart(values: bool) -> None:
    original = Holder(
        torch=torch.Generator().manual_seed(3),
        python=random.Random(3),
        numpy=np.random.default_rng(3),
    )
    copy = copied(original, values)

    def drawn(holder: Holder) -> tuple[float, float, float]:
        return (
            float(torch.rand((), generator=holder.torch)),  # type: ignore[attr-defined]
            holder.python.random(),  # type: ignore[attr-defined]
            holder.numpy.random(),  # type: ignore[attr-defined]
        )

    assert drawn(copy) == drawn(original)


def test_a_lock_is_shared_and_a_running_generator_refused(values: bool) -> None:
    lock = threading.Lock()
    assert copied(Holder(lock=lock), values).lock is lock  # type: ignore[attr-defined]
    with pytest.raises(NotCopiedError, match="generator that it holds cannot be copied"):
        copied(Holder(running=(i for i in range(3))), values)


def test_methods_and_references_lead_to_the_copy(values: bool) -> None:
    class Own(torch.optim.SGD):
        pass

    optimizer = Own([nn.Parameter(big())], lr=0.1)
    optimizer.call = optimizer.zero_grad  # type: ignore[attr-defined]
    optimizer.me = weakref.ref(optimizer)  # type: ignore[attr-defined]
    copy = twin(optimizer, values=values).copy
    assert copy.call.__self__ is copy  # type: ignore[attr-defined]
    assert copy.me() is copy  # type: ignore[attr-defined]


def test_a_step_that_a_scheduler_has_wrapped_steps_the_copy() -> None:
    parameter = nn.Parameter(big())
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    copy, schedule_copy = twin((optimizer, schedule), values=True).copy
    moved = copy.param_groups[0]["params"][0]
    moved.grad = torch.ones_like(moved)
    copy.step()
    schedule_copy.step()
    assert torch.equal(parameter, big())
    assert not torch.equal(moved, parameter)
    assert (optimizer.param_groups[0]["lr"], copy.param_groups[0]["lr"]) == (0.1, 0.05)


def test_a_sealed_optimizer_is_copied_with_its_seal() -> None:
    """The seal holds addresses of state tensors; those of the copy are others."""
    optimizer = optimizers.AdamW([nn.Parameter(big())])
    copy = twin(optimizer, values=True).copy
    copy.param_groups[0]["params"][0].grad = big()
    copy.step()


def test_an_array_over_a_tensor_lies_over_its_copy() -> None:
    tensor = big()
    held = Holder(array=tensor.numpy()[1:], tensor=tensor)
    with pytest.raises(NeedsValuesError, match="array"):
        copied(held, values=False)
    copy = copied(held, values=True)
    copy.array[...] = 7  # type: ignore[attr-defined]
    assert copy.tensor[1:].eq(7).all()  # type: ignore[attr-defined]
    assert torch.equal(tensor, big())


@pytest.mark.parametrize("buffer", [np.ndarray, bytearray, array.array])
def test_memory_under_a_tensor_needs_values(buffer: type) -> None:
    memory = {
        np.ndarray: np.zeros(400, "uint8"),
        bytearray: bytearray(400),
        array.array: array.array("f", [0.0] * 100),
    }[buffer]
    tensor = torch.frombuffer(memory, dtype=torch.float32)
    with pytest.raises(NeedsValuesError):
        copied(Holder(memory=memory, tensor=tensor), values=False)
    copy = copied(Holder(memory=memory, tensor=tensor), values=True)
    copy.memory[400 // len(memory)] = 1  # type: ignore[attr-defined]
    assert copy.tensor.count_nonzero() == 1  # type: ignore[attr-defined]
    assert tensor.count_nonzero() == 0


@pytest.mark.parametrize("first", ["memory", "tensor"])
def test_a_view_of_memory_under_a_tensor_is_refused(values: bool, first: str) -> None:
    memory = memoryview(bytearray(400))
    tensor = torch.frombuffer(memory, dtype=torch.float32)
    held = {"memory": memory, "tensor": tensor}
    order = [first, *(held.keys() - {first})]
    with pytest.raises(NotCopiedError, match="memoryview"):
        copied(Holder(**{name: held[name] for name in order}), values)


def test_a_running_thread_is_refused(values: bool) -> None:
    end = threading.Event()
    worker = threading.Thread(target=end.wait, daemon=True)
    copied(Holder(worker=worker), values)
    worker.start()
    try:
        with pytest.raises(NotCopiedError, match="thread"):
            copied(Holder(worker=worker), values)
    finally:
        end.set()
        worker.join()
