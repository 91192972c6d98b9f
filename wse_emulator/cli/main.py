"""The ``wse`` command: collects the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from wse_emulator.errors import InputError, WseError, near

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""

_NO_VALUE: Final = re.compile("--[a-z][a-z-]*=")

_FIRST: Final = (
    "run",
    "fit",
    "check",
    "schedule",
    "explain",
    "preflight",
    "plot",
    "compare",
)
"""What stands first on the help page; the other commands follow by name."""

_COMMAND: Final = re.compile(r'"""``wse ([a-z]+)``: (.+?)\.(?:"""|$)')
"""How the file of a command begins."""


def _commands() -> Mapping[str, str]:
    """The commands of this folder: the first line of each file says what it does.

    The files are read, not imported, since most of them import torch.
    """
    found = {}
    for file in Path(__file__).parent.glob("*.py"):
        with file.open(encoding="utf-8") as text:
            begin = _COMMAND.match(text.readline().rstrip())
        if begin is not None and begin[1] == file.stem:
            found[begin[1]] = begin[2]
    names = [*_FIRST, *sorted(found.keys() - set(_FIRST))]
    return {name: found[name] for name in names}


COMMANDS: Final = _commands()
"""Command name -> what it does; each lives in the module of its name beside this file."""


class LazyCommands(click.Group):
    """A group that imports a command's module only when the command is called.

    ``wse --help`` and ``wse wafers`` answer without importing torch.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names of all commands, in the order of the help page."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,
        cmd_name: str,
    ) -> click.Command | None:
        """The command object.

        Raises:
            click.UsageError: no command has the name; the message has the nearest.
        """
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:
                return None
            option = f" (did you mean wse --{cmd_name}?)" if cmd_name in ("help", "version") else ""
            raise click.UsageError(
                f"there is no command {cmd_name!r}{option or near(cmd_name, COMMANDS)}; wse --help "
                "lists them"
            )
        module = importlib.import_module(f"wse_emulator.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The help page's list, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wse-emulator", prog_name="wse")
def cli() -> None:
    """Emulate the constraints of the Cerebras Wafer-Scale Engine.

    \b
    Examples:
      wse run gpt2 --optimizer AdamW --out report
      wse fit gpt2-xl --optimizer Adam --wafer wse2
      wse check mymodule:make_optimizer

    Exit codes: 0 fine, 2 wrong usage or input, 3 does not fit, 4 breaks a static-state rule.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the console script ``wse``."""
    sys.exit(exit_code_of(arguments))


def exit_code_of(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake never gives a traceback."""
    return run_command(cli, sys.argv[1:] if arguments is None else arguments, "wse")


run = exit_code_of  # the name that it had first, by which scripts of users call it


def run_command(command: click.Command, arguments: list[str], name: str) -> int:
    """Run a click command so that every error of a user is one plain line and an exit code."""
    try:
        _refuse_what_is_no_text(arguments)
        answer = command.main(
            args=list(arguments), prog_name=name, standalone_mode=False, obj=[name, *arguments]
        )
    except click.exceptions.Abort:
        message, code = "interrupted", INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        message, code = error.format_message(), error.exit_code  # without click's usage block
    except WseError as error:
        message, code = str(error), error.exit_code
    except (BrokenPipeError, SystemExit):  # click leaves with 1 for a pipe without a reader
        return 0  # the reader of our output (head, less) has seen enough
    except OSError as error:
        # what no reader of files foresaw: a name too long, a disk full, a device that fails
        of = "" if error.filename is None else f"{error.filename}: "
        message, code = f"{of}{error.strerror or error}", InputError.exit_code
    else:
        return answer if isinstance(answer, int) else 0
    with suppress(OSError):  # where stderr is closed, the exit code says it alone
        click.echo(f"{name}: {_one_line(message)}", err=True)
    return code


def _refuse_what_is_no_text(arguments: list[str]) -> None:
    """See that every argument is some text.

    An empty one is a variable of the shell that is not set; as a path it would be the folder here.

    Raises:
        InputError: one is empty, or its bytes are not UTF-8, so that no result could name it.
    """
    for place, word in enumerate(arguments):
        if not word.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise InputError(f"{word!a} is not text in UTF-8; rename what it names")
        if "\0" in word:
            raise InputError(f"{word!a} holds a NUL character, which no name can")
        if not word:
            after = f" after {arguments[place - 1]}" if place else ""
            raise InputError(f"an argument{after} is empty; give a value, or leave it out")
        if _NO_VALUE.fullmatch(word):
            raise InputError(f"{word} has no value; give one, or leave it out")


def _one_line(text: str) -> str:
    return " ".join(text.split())
