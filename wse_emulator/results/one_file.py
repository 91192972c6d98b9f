"""Writing one file: whole or not at all, and nothing that is there is lost by surprise.

A link is followed and stays. What is no regular file (a device, a pipe) is written through. A
regular file is replaced at once by the new one beside it, so that a failure leaves the old one.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from wse_emulator.errors import OutputError

Disposable = Callable[[Path], bool]
"""Whether a file that is there may be replaced without being asked for."""

_OWN_SCHEMAS: Final = "wse-"
_READER_TRIES: Final = 100
_BETWEEN_TRIES_SECONDS: Final = 0.02


def holds_own_json(path: Path) -> bool:
    """Whether a file is a JSON document of this package, which can be made again."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    schema = document.get("schema") if isinstance(document, dict) else None
    return isinstance(schema, str) and schema.startswith(_OWN_SCHEMAS)


def check_file(path: Path, *, force: bool, disposable: Disposable | None = None) -> None:
    """See that a file can be written, before anything is computed.

    Args:
        path: the file, a link to one, a device or a pipe.
        force: whether any file that is there may be replaced; an empty one always may be.
        disposable: which other files may be.

    Raises:
        OutputError: a folder is there or none to write into, or a file that may not be replaced.
    """
    try:
        mode = _mode(path)
        if mode is None:
            folder = _behind_links(path).parent
            if not stat.S_ISDIR(folder.stat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if force or not stat.S_ISREG(mode) or path.stat().st_size == 0:
            return
    except (OSError, ValueError) as error:
        raise refusal(path, error) from error
    if disposable is None or not disposable(path):
        raise OutputError(
            f"{path} exists; name another place, or give --force to replace what is there"
        )


def write_file(
    path: Path, content: bytes, *, force: bool, disposable: Disposable | None = None
) -> None:
    """Write ``content`` to ``path``: a reader sees the old file or the new one, whole.

    Raises:
        OutputError: as :func:`check_file`, or the disk, the device or the pipe refuses.
    """
    check_file(path, force=force, disposable=disposable)
    try:
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            _write_through(path, content, mode)
            return
        target = _behind_links(path)
        temporary = write_temporary(target.parent, target.name, content, mode)
        try:
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise refusal(path, error) from error


def refusal(path: Path, error: OSError | ValueError) -> OutputError:
    """The error that says why a file cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else None
    return OutputError(
        f"cannot write {path}: {reason or error}; name a file in a folder that exists and can be "
        "written"
    )


def write_temporary(folder: Path, name: str, content: bytes, mode: int | None = None) -> Path:
    """Write a file beside the one it will replace; nothing is left of it if that fails.

    Args:
        folder: of both.
        name: of the one to be replaced.
        content: all of it.
        mode: permissions of the one to be replaced; None for those of any new file.

    Raises:
        OSError: the folder or the disk refuses.
    """
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name[:_LONGEST_PREFIX]}.")
    path = Path(temporary)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        path.chmod(_new_mode() if mode is None else stat.S_IMODE(mode))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def write_whole(pending: Path, path: Path) -> None:
    """Put a file that :func:`write_temporary` wrote in its place, or through what is there.

    Raises:
        OSError: the disk, the device or the pipe refuses.
    """
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        _write_through(path, pending.read_bytes(), mode)
    else:
        pending.replace(_behind_links(path))


_LONGEST_PREFIX: Final = 32
"""Characters of a name that a temporary name repeats: both have to be names of files."""


def _mode(path: Path) -> int | None:
    """The mode of what a path names, links followed; None if nothing is there."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _behind_links(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _new_mode() -> int:
    """mkstemp makes a private file; a result is as readable as any other new file."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _write_through(path: Path, content: bytes, mode: int) -> None:
    handle = _open_pipe(path) if stat.S_ISFIFO(mode) else os.open(path, os.O_WRONLY)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)


def _open_pipe(path: Path) -> int:
    """Open a pipe for writing; one that nobody begins to read in two seconds is an error."""
    for _ in range(_READER_TRIES):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            os.set_blocking(handle, True)
            return handle
    raise OSError(errno.ENXIO, "a pipe that nobody reads")
