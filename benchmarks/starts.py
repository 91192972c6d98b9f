"""What the starts of instructions, and the figures beside them, are worth: counter-checks.

    python benchmarks/starts.py                  # the table of docs/machine.md
    python benchmarks/starts.py --operation decode_layer

Each line changes figures of all machines and compares the published records again; everything
else stays. A cell holds the mean and the largest error in percent, over the records that gave no
coefficient and are not contested. A figure that the records do not need would leave its line as
the first one is.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final

from wse_emulator.questions.validate import Measurement, read_measurements, validate

CHANGES: Final[Mapping[str, Mapping[str, object]]] = {
    "as it is": {},
    "every instruction starts in 16 cycles": {
        "step_launch_cycles": 16,
        "wavelet_launch_cycles": 16,
    },
    "one that a wavelet sets off, in 0": {"wavelet_launch_cycles": 0},
    "one that a wavelet sets off, in 2": {"wavelet_launch_cycles": 2},
    "one that steps over registers, in 1": {"step_launch_cycles": 1},
    "one that loads its descriptors, in 1": {"launch_cycles": 1},
    "a stage of a reduction without its task": {"activation_cycles": 0, "completion_cycles": 0},
    "a hop of one cycle on every machine": {"hop_cycles": 1},
    "products at 8 elements a cycle": {
        "lanes.product.float16": 8,
        "sram_read_bytes_per_cycle": 32,
        "sram_write_bytes_per_cycle": 16,
    },
    "products at 2.92 elements a cycle": {"lanes.product.float16": "2.92"},
    "a star without its fixed start": {"kernels.star_start": 0},
}
"""What is changed, in words, and as ``wse validate --set`` takes it."""

OPERATIONS: Final = (
    "allreduce_row",
    "fully_connected_train",
    "gemm",
    "gemm_summa",
    "gemv",
    "gemv_pipeline",
)
"""Operations of the table: they start many instructions, or sum over PEs."""

WHOLE_LAYERS: Final = ("decode_layer", "prefill_layer")
"""Operations that are made of these, which take minutes."""


def errors(
    records: Sequence[Measurement], changed: Mapping[str, object]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Group and operation -> mean and largest error."""
    report = validate(records, set=changed)
    return {
        (group.group.name, operation): (summary.mean_abs_error, summary.max_abs_error)
        for group in report.groups()
        for operation, summary in group.operations.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--operation", choices=(*OPERATIONS, *WHOLE_LAYERS), action="append")
    wanted = parser.parse_args().operation or OPERATIONS
    records = [record for record in read_measurements() if record.operation in wanted]
    rows = {words: errors(records, changed) for words, changed in CHANGES.items()}
    columns = list(rows["as it is"])
    operations = [operation for _, operation in columns]
    names = [
        f"`{operation}`" + (f" ({group})" if operations.count(operation) > 1 else "")
        for group, operation in columns
    ]
    print("| change |", " | ".join(names), "|")
    print("|---" * (len(columns) + 1) + "|")
    for words, found in rows.items():
        cells = [f"{100 * mean:.1f}; {100 * most:.1f}" for mean, most in map(found.get, columns)]
        print(f"| {words} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
