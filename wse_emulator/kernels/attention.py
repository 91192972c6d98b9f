"""Attention between the products with its weights: softmax of a row of keys, and the core.

The scores of one query, a *row*, lie on several PEs, each with a piece of its keys. The vendor's
compiler does not print how it lays rows out.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from wse_emulator.activities import OpChain, VectorOp, Work, compute
from wse_emulator.cost.instructions import element_cycles, plain_instruction
from wse_emulator.cost.products import pass_cycles
from wse_emulator.cost.starts import Start
from wse_emulator.kernels.streams import stream_cycles
from wse_emulator.wafer.formats import lane_dtype
from wse_emulator.wafer.region import Region
from wse_emulator.wafer.spec import WaferSpec


def attention_softmax(
    region: Region, keys: int, spec: WaferSpec, *, exchanged: bool
) -> tuple[Work, ...]:
    """Softmax over one row's piece of keys on each PE.

    Its cycles a row and a key are coefficients (``kernels.softmax_row``, ``softmax_key``). A key
    takes less than the exponential of the loss alone: the vendor has two exponentials, and they are
    not merged here. The length of the row is not printed either, so its maximum and sum over the
    PEs take a coefficient each (``kernels.softmax_row_sum``).

    Args:
        region: the PEs.
        keys: of a row on its fullest PE.
        spec: the machine.
        exchanged: maximum and sum are taken over the PEs of the row, as forward does; the
            backward kernel makes its softmax again and knows them.

    Example:
        >>> from wse_emulator.wafer import WSE2
        >>> region = Region(0, 0, 1, 1)
        >>> [work] = attention_softmax(region, 6, WSE2, exchanged=True)
        >>> work.chains[0].ops[0].strip_cycles
        549
    """
    return (compute("softmax", region, _softmax_cycles(keys, spec, exchanged=exchanged)),)


def attention_core_forward(
    region: Region,
    rows: int,
    keys: int,
    head_dim: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
) -> tuple[Work, ...]:
    """Scores, softmax and weighted values of the rows that a PE takes part in.

    For each row: the query comes in, ``head_dim`` wavelets that each set off a multiply-add over
    the keys; softmax; as many multiply-adds for the values, and ``head_dim`` partial outputs pass.

    Args:
        region: the PEs.
        rows: of which the fullest PE has a piece: queries times heads, over the rows of PEs.
        keys: of a row on its fullest PE.
        head_dim: width of a head.
        spec: the machine.
        dtype: format of queries, keys and values.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> core = attention_core_forward(Region(0, 0, 1, 1), 512, 16, 64, WSE2)
        >>> run_alone(core, WSE2.scaled(1, 1)).elapsed_cycles
        866304
    """
    multiplied = pass_cycles(keys, (dtype, dtype), Start.BY_WAVELET, spec)
    return (
        _row_by_row(
            "attention",
            region,
            rows,
            _softmax_cycles(keys, spec, exchanged=True),
            2 * head_dim * multiplied,  # scores, weighted values
            2 * stream_cycles(head_dim, spec),  # the query in, partial outputs through
        ),
    )


def attention_core_backward(
    region: Region,
    rows: int,
    keys: int,
    head_dim: int,
    spec: WaferSpec,
    *,
    dtype: str = "float16",
) -> tuple[Work, ...]:
    """The gradients of queries, keys and values of the rows that a PE takes part in.

    Scores and softmax are made again. Three products run over the keys; two are sums over the
    queries, the gradients of keys and values, in float32. The gradient of softmax multiplies,
    sums and subtracts over the keys and takes one sum over the row.

    Args:
        region, rows, keys, head_dim, spec, dtype: as in :func:`attention_core_forward`.

    Raises:
        UnsupportedFormatError: a PE has no vector multiply-add in this format.
        WaferSpecError: the machine has no rate for the format.

    Example:
        >>> from wse_emulator.engines.alone import run_alone
        >>> from wse_emulator.wafer import WSE2
        >>> core = attention_core_backward(Region(0, 0, 1, 1), 256, 16, 64, WSE2)
        >>> run_alone(core, WSE2.scaled(1, 1)).elapsed_cycles
        818432
    """
    over_keys = pass_cycles(keys, (dtype, dtype), Start.BY_WAVELET, spec)
    over_queries = pass_cycles(keys, ("float32", dtype), Start.BY_WAVELET, spec)
    lanes = lane_dtype(dtype)
    key = sum(
        element_cycles(plain_instruction(op_class, lanes), spec)
        for op_class in ("mul", "reduce", "add")
    )
    kernels = spec.kernels
    return (
        _row_by_row(
            "gradient of attention",
            region,
            rows,
            _softmax_cycles(keys, spec, exchanged=False),
            head_dim * (3 * over_keys + 2 * over_queries),
            3 * stream_cycles(head_dim, spec),  # query and gradient in, partial sums through
            keys * key + kernels.softmax_row_sum + kernels.stream,
        ),
    )


def _softmax_cycles(keys: int, spec: WaferSpec, *, exchanged: bool) -> Fraction:
    kernels = spec.kernels
    exchange = 2 * kernels.softmax_row_sum if exchanged else 0  # maximum, sum
    return kernels.softmax_row + keys * kernels.softmax_key + exchange


def _row_by_row(name: str, region: Region, rows: int, *parts: int | Fraction) -> Work:
    """The same parts for each of a PE's rows, one row after the other."""
    ops = (VectorOp(op=0, strip_cycles=ceil(sum(parts))),)
    return Work(name, region, (OpChain(ops, strips=rows),), ((region.pes, 0),))
