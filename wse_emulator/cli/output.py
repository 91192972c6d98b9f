"""Writing what a command answers: JSON to a file or to stdout, atomically, never half."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from wse_emulator.errors import OutputError
from wse_emulator.results.folder import write_temporary

STDOUT = "-"


def write_text_atomically(path: Path, text: str) -> None:
    """Write ``text`` as :func:`write_bytes_atomically` writes bytes.

    Raises:
        OutputError: the folder does not exist or cannot be written.
    """
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, whole.

    Raises:
        OutputError: the folder does not exist or cannot be written.
    """
    try:
        temporary = write_temporary(path.parent, path.name, content)
        try:
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; name a file in a folder that "
            "exists and can be written"
        ) from error


def write_json(target: str, document: Mapping[str, object]) -> None:
    """Write a JSON document to the file ``target``, or to stdout for ``-``.

    Raises:
        OutputError: the file cannot be written.
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    if target == STDOUT:
        sys.stdout.write(text)
    else:
        write_text_atomically(Path(target), text)
