"""Questions at the edge of fitting: random models, each grown until it just stops fitting.

A walk is a random model on a small wafer whose last tensor can have any size. It is grown until
``run`` says no, and looked at on both sides of that size: each look is a case. The number of a
case says which it is: look ``number % LOOKS`` of walk ``number // LOOKS``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Final

SEED: Final = 13
AROUND: Final = (-4, -3, -2, -1, 0, 1, 2, 4)
"""Sizes of the last tensor that are looked at, counted from the first that does not fit."""

LOOKS: Final = len(AROUND)

LARGEST: Final = 2**16
"""No last tensor is grown further."""

Tensor = tuple[str, tuple[int, ...], str]
"""Name, shape, dtype."""

Named = tuple[tuple[str, object], ...]
"""Values by name, in order."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, as every door takes it.

    Attributes:
        tensors: the model, in model order; empty where ``layers`` describes it.
        layers: sizes of a language model, as the model section of a run config names them.
        optimizer, lr, options: the optimizer and its constructor arguments.
        rows, cols: PEs of a WSE-2 that are used.
        sram: bytes of SRAM in a PE.
        mode: ``pipelined``, ``weight-streaming`` or ``auto``.
        precision: dtype policy; None leaves the dtypes of the model.
        parts: dtypes of single parts, beside the policy.
        sparsity: fraction of the layers' matrices that is left out.
        batch, micro_batch, recompute: samples a step and how they move; None without samples.
        max_grad_norm, loss_scaling: what is done to the gradients before the step.
    """

    tensors: tuple[Tensor, ...] = ()
    layers: tuple[tuple[str, int], ...] = ()
    optimizer: str
    lr: float
    options: Named
    rows: int
    cols: int
    sram: int
    mode: str = "pipelined"
    precision: str | None = None
    parts: Named = ()
    sparsity: float | None = None
    batch: int | None = None
    micro_batch: int | None = None
    recompute: str | None = None
    max_grad_norm: float | None = None
    loss_scaling: bool = False

    @property
    def extended(self) -> bool:
        """Whether it says more than model, optimizer and wafer."""
        more = (self.precision, self.sparsity, self.batch, self.max_grad_norm)
        return self.mode != "pipelined" or self.loss_scaling or more != (None,) * 4

    def grown(self, size: int) -> Question:
        """The same with ``size`` as the first dimension of the last tensor (the vocabulary)."""
        if self.layers:
            return replace(self, layers=(*self.layers[:-1], ("vocab_size", size)))
        name, shape, dtype = self.tensors[-1]
        return replace(self, tensors=(*self.tensors[:-1], (name, (size, *shape[1:]), dtype)))

    def lighter(self) -> Question | None:
        """The same without a tensor or a layer; None if it has only the one that grows."""
        if self.layers:
            (name, count), *rest = self.layers
            return replace(self, layers=((name, count - 1), *rest)) if count > 1 else None
        return replace(self, tensors=self.tensors[1:]) if len(self.tensors) > 1 else None


@dataclass(frozen=True)
class Case:
    """A question at a size near the edge."""

    number: int
    size: int
    question: Question


@dataclass(frozen=True)
class Choice:
    """An optimizer: words it holds for an element, how often it is drawn, options it may have."""

    words: int
    weight: int
    options: tuple[dict[str, object], ...] = ({},)


OPTIMIZERS: Final = {
    "SGD": Choice(2, 30, ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True})),
    "Lion": Choice(3, 16, ({}, {"weight_decay": 0.1})),
    "AdamW": Choice(4, 10, ({}, {"amsgrad": True}, {"weight_decay": 0.1}, {"betas": (0.8, 0.95)})),
    "Adagrad": Choice(3, 8, ({}, {"lr_decay": 0.1})),
    "RMSprop": Choice(3, 4, ({}, {"centered": True}, {"momentum": 0.9})),
    "Adam": Choice(4, 2, ({}, {"weight_decay": 0.01})),
    "Adamax": Choice(4, 1),
    "Adadelta": Choice(4, 1),
    "Rprop": Choice(4, 1, ({}, {"etas": (0.4, 1.1)})),
    "NAdam": Choice(4, 1),
    "RAdam": Choice(4, 1),
    "ASGD": Choice(3, 1),
    "Lamb": Choice(4, 1, ({}, {"adam": True})),
    "Adafactor": Choice(2, 1, ({}, {"scale_parameter": False})),
    "Muon": Choice(3, 1, ({"ns_steps": 2}, {"ns_steps": 3, "nesterov": False})),
}
"""Mostly those that are captured quickly: what fits where is one question for all of them."""

RESERVED_BYTES: Final = 8192
"""Of the SRAM of a PE, what no tensor gets."""

BYTES: Final = {"float32": 4, "float16": 2, "bfloat16": 2}


def walk_of(number: int, seed: int = SEED) -> tuple[Question, int]:
    """The walk of that number: what is asked, and a size about which it may stop fitting."""
    draw = random.Random(f"{seed}:{number}")
    question, guess = _core(draw)
    kind = draw.random()
    if kind < 0.10:
        question = replace(question, mode="auto")
    elif kind < 0.25:
        question = _in_dtypes(draw, question)
    elif kind < 0.33:
        question = replace(question, sparsity=draw.choice([0.25, 0.5, 0.75, 0.9]))
    elif kind < 0.41:
        norm = draw.choice([None, 1.0])
        scaled = norm is None or draw.random() < 0.5
        question = replace(question, max_grad_norm=norm, loss_scaling=scaled)
    elif kind < 0.45:
        question, guess = _with_samples(draw, question)
    return question, max(guess, 1)


def _core(draw: random.Random) -> tuple[Question, int]:
    """Model, optimizer and wafer."""
    rows, cols = _wafer(draw)
    sram = draw.choice([49152, 49152, 49152, 24576, 16384, 12288])
    names = list(OPTIMIZERS)
    optimizer = draw.choices(names, [OPTIMIZERS[name].weight for name in names])[0]
    choice = OPTIMIZERS[optimizer]
    options = tuple(draw.choice(choice.options).items())
    dtype = draw.choices(["float32", "bfloat16", "float16"], [8, 2, 1])[0]
    elements = rows * cols * (sram - RESERVED_BYTES) // (choice.words * BYTES[dtype])
    tensors, guess = _model(draw, elements, dtype)
    question = Question(
        tensors=tensors,
        optimizer=optimizer,
        lr=0.01,
        options=options,
        rows=rows,
        cols=cols,
        sram=sram,
    )
    return question, guess


def _wafer(draw: random.Random) -> tuple[int, int]:
    """Mostly a few PEs, where a cut in whole PEs costs most."""
    if draw.random() < 0.9:
        return draw.randint(1, 6), draw.randint(1, 6)
    return draw.randint(1, 12), draw.randint(1, 12)


def _model(draw: random.Random, elements: int, dtype: str) -> tuple[tuple[Tensor, ...], int]:
    """Layers of which about ``elements`` fit, and how large the last has to be for that."""
    count = draw.choice([2, 3, 3, 4, 4, 5, 5, 6, 7, 8])
    share = draw.uniform(0.3, 0.8) * elements / count
    palette = [_sizes(draw, share) for _ in range(draw.choice([1, 1, 2, 2, 3, count]))]
    tensors: list[Tensor] = []
    if draw.random() < 0.15:
        tensors.append(("embed.weight", _sizes(draw, share), dtype))
    for layer in range(count - 1):
        own = dtype if draw.random() < 0.9 else draw.choice(list(BYTES))
        tensors.append((f"h.{layer}.w", draw.choice(palette), own))
        if draw.random() < 0.2:
            tensors.append((f"h.{layer}.b", (draw.choice([1, 16, 100]),), dtype))
    rest = elements - sum(prod(shape) for _, shape, _ in tensors)
    tail = draw.choices([(draw.randint(20, 120),), (8, 9), (4, 3, 3), ()], [12, 1, 1, 1])[0]
    last = draw.choice([f"h.{count - 1}.w", f"h.{count - 1}.w", f"h.{count - 2}.w2", "head.weight"])
    tensors.append((last, (1, *tail), dtype))
    return tuple(tensors), rest // prod(tail)


def _sizes(draw: random.Random, elements: float) -> tuple[int, ...]:
    """A shape of about so many elements: a matrix, or at times a stack, a kernel or a vector."""
    about = max(elements * draw.uniform(0.5, 1.5), 4)
    kind = draw.random()
    if kind < 0.06:
        return (max(int(about), 1),)
    if kind < 0.12:
        inner = draw.randint(2, 12)
        return (max(round(about / (inner * 9)), 1), inner, 3, 3)
    if kind < 0.18:
        rows, cols = draw.randint(3, 20), draw.randint(3, 20)
        return (max(round(about / (rows * cols)), 1), rows, cols)
    rows = max(round(about**0.5 * draw.uniform(0.5, 2)), 1)
    return (rows, max(round(about / rows), 1))


def _in_dtypes(draw: random.Random, question: Question) -> Question:
    policy = draw.choice(["float32", "mixed", "mixed", "float16", "bfloat16", "cbfloat16"])
    parts: Named = ()
    if draw.random() < 0.3:
        part = draw.choice(["compute", "parameter", "gradient", "state"])
        parts = ((part, draw.choice(["float32", "float16", "bfloat16", "cbfloat16"])),)
    return replace(question, precision=policy, parts=parts)


def _with_samples(draw: random.Random, question: Question) -> tuple[Question, int]:
    """A small language model, since activations need layers; its vocabulary is what grows."""
    heads = draw.choice([1, 2])
    hidden = heads * draw.choice([4, 8, 12])
    layers = (
        ("num_hidden_layers", draw.randint(1, 2)),
        ("hidden_size", hidden),
        ("num_heads", heads),
        ("filter_size", draw.choice([2, 3, 4]) * hidden),
        ("max_position_embeddings", draw.choice([4, 8, 16])),
        ("vocab_size", 1),
    )
    batch = draw.randint(1, 6)
    rows, cols = max(question.rows, 2), max(question.cols, 2)
    words = OPTIMIZERS[question.optimizer].words
    guess = rows * cols * (49152 - RESERVED_BYTES) // (words * 4 * 2 * hidden)
    asked = replace(
        question,
        tensors=(),
        layers=layers,
        rows=rows,
        cols=cols,
        sram=49152,
        mode=draw.choice(["pipelined", "pipelined", "auto", "weight-streaming"]),
        batch=batch,
        micro_batch=draw.choice([None, None, 1, batch]),
        recompute=draw.choice([None, None, "none", "full", "1"]),
    )
    return asked, guess


def cases_of_walk(
    number: int, fits: Callable[[Question], bool], seed: int = SEED
) -> tuple[Case, ...]:
    """Walk to the edge and look around.

    Args:
        number: of the walk; with the seed it says the model, the wafer and all else.
        fits: the verdict that has an edge.
        seed: of all walks.
    """
    question, guess = walk_of(number, seed)
    first = edge(question, fits, guess)
    while first == 1 and (lighter := question.lighter()) is not None:
        question = lighter
        first = edge(question, fits, guess)
    middle = max(first, 1 - AROUND[0])
    return tuple(
        Case(number * LOOKS + look, middle + away, question.grown(middle + away))
        for look, away in enumerate(AROUND)
    )


def edge(question: Question, fits: Callable[[Question], bool], guess: int) -> int:
    """A size that does not fit, where the size before it does (a size of 0 is taken to)."""
    low, high = 0, guess + 1
    while high < LARGEST and fits(question.grown(high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(question.grown(middle)) else (low, middle)
    return high
