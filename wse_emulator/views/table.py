"""The data of a picture as named columns, and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows; the name of a column has its unit (``start_cycle``, ``bytes``)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> bytes:
        """The table as CSV in UTF-8, with a header and with numbers in full precision."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return buffer.getvalue().encode()
