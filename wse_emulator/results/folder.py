"""Writing files into a folder: all of them whole or none of them, and nothing lost by surprise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from wse_emulator.errors import OutputError
from wse_emulator.results.one_file import write_temporary, write_whole


def check_folder(folder: Path, names: Iterable[str], *, force: bool) -> None:
    """Make ``folder`` and see that ``names`` can be written there, before anything is computed.

    Raises:
        OutputError: the folder cannot be made or written, a name is taken by a folder, or a file
            of that name exists and ``force`` is not given.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # the only reliable question about permission is a file; access() lies for some mounts
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write to folder {folder}: {error.strerror or error}; name a folder that "
            "can be made and written"
        ) from error
    taken = [name for name in names if (folder / name).exists()]
    blocked = [name for name in taken if (folder / name).is_dir()]
    if blocked:
        raise OutputError(f"{folder / blocked[0]} is a folder, not a file; name another folder")
    if taken and not force:
        others = f" and {len(taken) - 1} more exist" if len(taken) > 1 else " exists"
        raise OutputError(
            f"{folder / taken[0]}{others}; name another place, or give --force to "
            "replace what is there"
        )


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool) -> list[Path]:
    """Write ``files`` (name -> content) into ``folder``; each appears whole or not at all.

    All contents go to temporary names first, so that an interrupt or a full disk leaves the old
    files as they were; then each is renamed, in the order given. Links are followed.

    Returns:
        The paths written, in that order.

    Raises:
        OutputError: as :func:`check_folder`, or the disk refuses.
    """
    check_folder(folder, files, force=force)
    pending: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            pending.append((write_temporary(folder, name, content), folder / name))
        for temporary, target in pending:
            write_whole(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    finally:
        for temporary, _ in pending:
            temporary.unlink(missing_ok=True)
    return [target for _, target in pending]
