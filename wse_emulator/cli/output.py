"""Writing what a command answers: JSON to a file or to stdout, whole, and nothing lost by it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from wse_emulator.errors import OutputError
from wse_emulator.results.one_file import Disposable, check_file, holds_own_json, write_file

STDOUT: Final = "-"

Command = TypeVar("Command", bound=Callable[..., Any])

force_option: Final = click.option(
    "--force", is_flag=True, is_eager=True, help="Replace files that are there."
)
"""The option of every command that writes files; read before their names are."""


def json_option(what: str) -> Callable[[Command], Command]:
    """Make ``--json FILE``, the option of every command that answers in numbers.

    A file that may not be replaced is refused before the command computes for it.

    Args:
        what: what is written, for the help page.
    """
    return click.option(
        "--json",
        "json_path",
        metavar="FILE",
        callback=_checker(holds_own_json),
        help=f"Write {what} as JSON ('-': stdout).",
    )


def text_option(name: str, what: str) -> Callable[[Command], Command]:
    """Make an option that names a file of text, as ``--csv FILE``."""
    return click.option(
        f"--{name}",
        f"{name}_path",
        metavar="FILE",
        callback=_checker(None),
        help=f"Write {what} ('-': stdout).",
    )


def _checker(
    disposable: Disposable | None,
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    def check(
        context: click.Context,
        parameter: click.Parameter,  # noqa: ARG001  click's signature
        target: str | None,
    ) -> str | None:
        if target is None or _is_stdout(target):
            return target and STDOUT
        check_file(Path(target), force=bool(context.params.get("force")), disposable=disposable)
        return target

    return check


def _is_stdout(target: str) -> bool:
    """Whether a name means standard output: ``-``, or ``/dev/stdout`` by any of its names."""
    if target == STDOUT:
        return True
    try:
        return os.path.samestat(Path(target).stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):
        return False  # no such file yet, or a stdout that is no file


def write_json(target: str, document: Mapping[str, object], *, force: bool) -> None:
    """Write a JSON document to the file ``target``, or to stdout for ``-``.

    Raises:
        OutputError: the file cannot be written; or another is there, which is no document of this
            package, and ``force`` is not given.
    """
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    write_text(target, text, force=force, disposable=holds_own_json)


def write_text(
    target: str, text: str, *, force: bool, disposable: Disposable | None = None
) -> None:
    """Write text to the file ``target``, or to stdout for ``-``.

    Raises:
        OutputError: the file cannot be written; or one is there that may not be replaced.
    """
    if target == STDOUT:
        if sys.stdout is None:  # closed before the command began
            raise OutputError("standard output is closed; name a file")
        sys.stdout.write(text)
        sys.stdout.flush()  # a full disk or a reader that left is known now, not after the end
    else:
        write_file(Path(target), text.encode(), force=force, disposable=disposable)
