"""The ``wse`` command: collects the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

from wse_emulator.errors import WseError

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""

COMMANDS: Final[Mapping[str, str]] = {
    "run": "simulate optimizer steps and write a report folder",
    "fit": "say whether a model fits in on-wafer memory, and why",
    "check": "judge an optimizer by the static-state rules",
    "schedule": "show the learning rate of a run config, step by step",
    "explain": "say what limits a step, and what lifting each limit would save",
    "preflight": "judge a run before it is queued: legal, fits, schedule, time, on one page",
    "plot": "draw a picture of a saved result, or replay its step",
    "compare": "lay two saved results side by side",
    "collective": "time one collective operation by itself",
    "validate": "hold the machine model against published figures",
    "scenario": "run one of the scenario scripts",
    "scenarios": "list the scenario scripts",
    "wafers": "list the machines",
    "models": "list the built-in models",
}
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
        ctx: click.Context,  # noqa: ARG002  click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command object, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
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
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake never gives a traceback."""
    return run_command(cli, sys.argv[1:] if arguments is None else arguments, "wse")


def run_command(command: click.Command, arguments: list[str], name: str) -> int:
    """Run a click command so that every error of a user is one plain line and an exit code."""
    try:
        code = command.main(
            args=list(arguments), prog_name=name, standalone_mode=False, obj=[name, *arguments]
        )
    except click.exceptions.Abort:
        click.echo(f"{name}: interrupted", err=True)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        # one line, without click's usage block
        click.echo(f"{name}: {_one_line(error.format_message())}", err=True)
        return error.exit_code
    except WseError as error:
        click.echo(f"{name}: {_one_line(str(error))}", err=True)
        return error.exit_code
    except BrokenPipeError:
        return 0  # the reader of our output (head, less) has seen enough
    return code if isinstance(code, int) else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())
