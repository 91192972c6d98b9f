"""What kernels take beyond their activities: coefficients that no rule of the machine explains.

Each one was read off a published record, serves every size of its operation, and is marked with
the records that gave it; ``wse validate`` does not score those. A kernel's time that rules do
explain (hops, ramps, lanes, launches, tasks) has no coefficient here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Final

from wse_emulator.errors import WaferSpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCycles:
    """The coefficients of kernels, all in cycles.

    Attributes:
        star_start: fixed start of an all-reduce whose PEs send straight to the centre.
        rectangle_sum_start: the same of a sum over a rectangle, which takes its two sides at once.
        stream: start and end of a vendor kernel that streams a token in and out.
        layer_norm_forward: a token's fixed part of LayerNorm, beside all-reduce and stream.
        layer_norm_backward: a token's fixed part of its backward kernel, beside the all-reduce.
        layer_norm_backward_element: an element of LayerNorm's backward kernel.
        residual_add: a token's fixed part of a sum of two streams.
        to_sparse: a token's fixed part of the conversion of a dense stream to values with index.
        softmax_row: a row's fixed part of attention's softmax.
        softmax_key: a key of attention's softmax.
        softmax_row_sum: one scalar all-reduce over the PEs of an attention row.
        gelu_forward, gelu_backward: an element of the vendor's GELU and of its gradient.
        loss_gradient: a token's fixed part of the loss gradient, beside the stream.
        loss_gradient_element: an element of the loss gradient.
        collective_call: one call of the SDK's 2D collectives.
        summa_step: a step of a product whose panels are multicast on two colors.
        shift_step: a step in which every PE shifts its operand along a line.
        stored_descriptor_loop: an iteration over ``@map`` whose descriptors lie in memory.
        route_change: new routes of one color between two collectives.

    Example:
        >>> KernelCycles().star_start
        Fraction(93, 1)
    """

    star_start: Fraction = Fraction(93)
    rectangle_sum_start: Fraction = Fraction(74)
    stream: Fraction = Fraction(51)
    layer_norm_forward: Fraction = Fraction(86)
    layer_norm_backward: Fraction = Fraction(100)
    layer_norm_backward_element: Fraction = Fraction(21, 2)
    residual_add: Fraction = Fraction(20)
    to_sparse: Fraction = Fraction(34)
    softmax_row: Fraction = Fraction(80)
    softmax_key: Fraction = Fraction(75, 2)
    softmax_row_sum: Fraction = Fraction(122)
    gelu_forward: Fraction = Fraction(416, 5)
    gelu_backward: Fraction = Fraction(993, 10)
    loss_gradient: Fraction = Fraction(126)
    loss_gradient_element: Fraction = Fraction(10)
    collective_call: Fraction = Fraction(585)
    summa_step: Fraction = Fraction(264)
    shift_step: Fraction = Fraction(256, 3)
    stored_descriptor_loop: Fraction = Fraction(48)
    route_change: Fraction = Fraction(25)

    def __post_init__(self) -> None:
        for name in KERNEL_FIELDS:
            value = getattr(self, name)
            if not isinstance(value, Fraction):
                raise WaferSpecError(
                    f"kernels.{name} has to be a fraction such as 75/2, got {value!r}"
                )
            if not 0 <= value <= 10**6:
                raise WaferSpecError(
                    f"kernels.{name} = {value} is out of range; give 0 to 1,000,000"
                )


@dataclass(frozen=True, slots=True)
class Derivation:
    """Where a coefficient comes from.

    Attributes:
        records: ids of the published records that gave it; they are not scored.
        reading: how it follows from them.
    """

    records: tuple[str, ...]
    reading: str


KERNEL_FIELDS: Final = tuple(f.name for f in fields(KernelCycles))
"""Names of the coefficients, in the order in which they are documented."""

DERIVATIONS: Final[Mapping[str, Derivation]] = {
    "star_start": Derivation(
        ("cr16_allreduce_1d_P17",),
        "a row of 17 takes 129 cycles; the star into the middle and the multicast back take 36",
    ),
    "rectangle_sum_start": Derivation(
        ("cr16_allreduce_2d_sum_147x5",),
        "250 cycles less stars along rows and half columns, and the multicast back",
    ),
    "stream": Derivation(
        ("cr16_maxreduce_E28", "cr16_maxreduce_E144"),
        "541 cycles less the all-reduce of its rectangle (399) and 28 elements at 3.25, the slope "
        "to 144 elements, which the rates of the machine explain",
    ),
    "layer_norm_forward": Derivation(
        ("cr16_lnorm_fwd_P11", "cr16_lnorm_fwd_P26"),
        "what is left of a token on 11 PEs: a reciprocal square root among others",
    ),
    "layer_norm_backward": Derivation(
        ("cr16_lnorm_bwd_P11", "cr16_lnorm_bwd_P128"),
        "a straight line through 70 and 6 elements a PE, less each row's all-reduce",
    ),
    "layer_norm_backward_element": Derivation(
        ("cr16_lnorm_bwd_P11", "cr16_lnorm_bwd_P128"), "the slope of the same line"
    ),
    "residual_add": Derivation(
        ("cr16_add_E86",), "192 cycles less two streams of 86 elements, a wavelet each"
    ),
    "to_sparse": Derivation(
        ("cr16_conv_dense2sparse_E20",), "54 cycles less a wavelet for each of 20 elements"
    ),
    "softmax_row": Derivation(
        ("cr16_attn_softmax_bwd_E4", "cr16_attn_softmax_bwd_E16"),
        "a straight line through 4 and 16 keys a PE",
    ),
    "softmax_key": Derivation(
        ("cr16_attn_softmax_bwd_E4", "cr16_attn_softmax_bwd_E16"), "the slope of the same line"
    ),
    "softmax_row_sum": Derivation(
        ("cr16_attn_softmax_fwd_E4",),
        "half of what forward takes beyond the same work without exchange; the row's length is "
        "not printed",
    ),
    "gelu_forward": Derivation(
        ("cr16_gelu_fwd_E10",), "883 cycles less the stream, over 10 elements; one record"
    ),
    "gelu_backward": Derivation(
        ("cr16_gelu_bwd_E9",), "945 cycles less the stream, over 9 elements; one record"
    ),
    "loss_gradient": Derivation(
        ("cr16_softmax_grad_E38", "cr16_softmax_grad_E62"),
        "a straight line through 38 and 62 elements, less the stream",
    ),
    "loss_gradient_element": Derivation(
        ("cr16_softmax_grad_E38", "cr16_softmax_grad_E62"), "the slope of the same line"
    ),
    "collective_call": Derivation(
        ("cs3_summa_collectives_P720",),
        "a step of 720, less the panel and the multiply-adds in a scalar loop",
    ),
    "summa_step": Derivation(
        ("cs3_summa2c_P720_N4320",),
        "a step of 720, less the multiply-adds: two route changes, four streams, three tasks",
    ),
    "shift_step": Derivation(
        ("cs3_meshgemm_P720_N2160", "cs3_meshgemm_P360_N8640"),
        "what steps of tiles of 3 x 3 and of 24 x 24 take beyond multiply-adds and alignment",
    ),
    "stored_descriptor_loop": Derivation(
        ("cs3_meshgemm_P720_N2160", "cs3_meshgemm_P360_N8640"),
        "the part of the same two records that grows with the tile's side",
    ),
    "route_change": Derivation(
        ("cs3_waferllm_decode_8B_P420",),
        "what the layer takes beyond its products and sums, over 6 times 5 colors",
    ),
}
"""Coefficient -> the records that gave it and how."""

PUBLISHED: Final = KernelCycles()
"""The coefficients as the published records give them; every preset has these."""
