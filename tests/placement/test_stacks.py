"""Stacked matrices: which steps keep them apart, and how they lie whole in the PEs."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import optimizers
from tests.placement.test_place import assert_covers_once, elements_per_pe, parameters_of
from wse_emulator.capture.step import capture_step
from wse_emulator.errors import UnknownOpError
from wse_emulator.ops.stacks import statistic_of
from wse_emulator.placement import place
from wse_emulator.placement.forms import Blocks, Stack, TensorForm, tensor_forms
from wse_emulator.placement.pieces import Piece, piece_counts, pieces_of
from wse_emulator.program import StepProgram
from wse_emulator.wafer.presets import WSE2


def captured(shape: tuple[int, ...], optimizer: str = "Adafactor") -> StepProgram:
    p = nn.Parameter(torch.empty(shape, device="meta"))
    return capture_step(getattr(optimizers, optimizer)([p], lr=0.1))


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ((64, 3, 7, 7), Stack(7, 7)),
        ((64, 3, 7, 1), Stack(7, 1)),  # a row is one element: only columns are statistics
        ((64, 3, 1, 7), Stack(1, 7)),  # a row is a whole matrix
        ((512, 80, 3), Stack(80, 3)),  # one-dimensional convolution
        ((16, 1, 2, 3, 3), Stack(3, 3)),  # of volumes
        ((1, 1, 9, 5), Blocks(9, 5)),  # one matrix is cut
        ((9, 5), Blocks(9, 5)),
        ((64, 256, 1, 1), None),  # every element is a matrix: nothing is reduced
        ((0, 3, 3, 3), None),
        ((9,), None),
    ],
)
def test_adafactor_keeps_the_matrices_of_a_convolution_apart(
    shape: tuple[int, ...], form: TensorForm | None
):
    assert tensor_forms(captured(shape)).get(0) == form


@pytest.mark.parametrize(("optimizer", "form"), [("AdamW", None), ("Lamb", None)])
def test_a_step_that_reduces_whole_tensors_leaves_them_flat(optimizer: str, form: None):
    assert tensor_forms(captured((8, 4, 3, 3), optimizer)).get(0) is form


def test_a_step_that_multiplies_takes_the_tensor_as_one_matrix():
    assert tensor_forms(captured((8, 3, 3, 3), "Muon"))[0] == Blocks(8, 27, across=(8,))


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        ((5, 4, 3), "rows"),
        ((5, 4, 3, 1), "rows"),
        ((5, 4, 2), "cols"),
        ((5, 4, 1, 2), "cols"),
        ((5, 4), "matrices"),
        ((5, 4, 1), "matrices"),
        ((5, 4, 1, 1), "matrices"),
        ((5, 4, 3, 2), None),
        ((5, 3, 2), None),  # a mean over the stack
        ((4, 5, 3), None),
        ((3,), None),
        ((), None),
    ],
)
def test_shapes_tell_statistics_apart(shape: tuple[int, ...], what: str | None):
    assert statistic_of(shape, (5, 4, 3, 2)) == what


def test_a_matrix_is_no_stack():
    assert statistic_of((5,), (5, 4)) is None
    assert statistic_of((), (5,)) is None


def test_each_pe_holds_whole_matrices_and_their_rows_and_columns():
    # 10 matrices of 3 x 2 over 2 x 4 PEs: two PEs hold two of them
    parameters = parameters_of([(5, 2, 3, 2)])
    (tensor,) = place(parameters, WSE2.scaled(2, 4), forms={0: Stack(3, 2)}).tensors
    assert tensor.layout == "stack"
    assert tensor.matrix == (3, 2)
    assert tensor.runs == ((2, 12), (6, 6))
    two, one = Piece(12, 6, 4, matrices=2), Piece(6, 3, 2, matrices=1)
    assert pieces_of(tensor) == ((2, two), (6, one))
    assert piece_counts(tensor) == {two: 2, one: 6}


def test_no_more_pes_than_matrices_hold_any():
    (tensor,) = place(parameters_of([(5, 3, 3)]), WSE2.scaled(4, 4), forms={0: Stack(3, 3)}).tensors
    assert tensor.runs == ((5, 9), (11, 0))
    assert piece_counts(tensor) == {Piece(9, 3, 3, matrices=1): 5}


def test_the_next_tensors_surplus_begins_where_that_of_the_stack_ends():
    parameters = parameters_of([(5, 3, 3), (5,)], ["layer.0.w", "layer.0.b"])
    placement = place(parameters, WSE2.scaled(2, 4), forms={0: Stack(3, 3)})
    assert elements_per_pe(placement).tolist() == [[10, 10, 9, 9], [9, 1, 1, 1]]


stacks = st.tuples(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6))


@given(st.lists(stacks, min_size=1, max_size=8), st.integers(1, 9), st.integers(1, 9))
def test_any_stacks_on_any_wafer(model: list[tuple[int, int, int]], rows: int, cols: int):
    forms = {index: Stack(*shape[1:]) for index, shape in enumerate(model)}
    placement = place(parameters_of(list(model)), WSE2.scaled(rows, cols), forms=forms)
    assert_covers_once(placement)
    for tensor, shape in zip(placement.tensors, model, strict=True):
        counts = piece_counts(tensor)
        assert sum(pes for pes, _ in pieces_of(tensor)) == tensor.region.pes
        assert sum(pes * piece.matrices for piece, pes in counts.items()) == shape[0]
        for piece in counts:
            assert piece.elements == piece.matrices * prod(shape[1:])
            assert (piece.rows, piece.cols) == tuple(piece.matrices * side for side in shape[1:])
        held = [piece.matrices for _, piece in pieces_of(tensor)]
        assert max(held) - min(held) <= 1


def test_a_matrix_too_large_for_a_pe_is_refused_by_name():
    parameters = parameters_of([(8, 300, 300)], ["layer.0.experts"])
    with pytest.raises(UnknownOpError) as caught:
        place(
            parameters, WSE2.scaled(40, 40), forms={0: Stack(300, 300)}, bytes_per_parameter=[8.0]
        )
    message = str(caught.value)
    assert "layer.0.experts" in message
    assert "8 matrices of 300 x 300" in message
    assert "720,000 B of the 40,960 B" in message
    assert "a parameter of its own" in message
    assert caught.value.parameter == "layer.0.experts"
