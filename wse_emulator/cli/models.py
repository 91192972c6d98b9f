"""``wse models``: list the built-in models."""

from __future__ import annotations

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.questions.models import models as list_models
from wse_emulator.results.codec import encode
from wse_emulator.terminal.models import print_models


@click.command()
@json_option("the list")
@force_option
def models(json_path: str | None, force: bool) -> None:
    """List the built-in models, with their number of parameters (tied ones once).

    Any other model is named by a shapes file, a Hugging Face config.json or module:factory.

    \b
    Examples:
      wse models
      wse models --json -
    """
    found = list_models()
    if json_path is not None:
        entries = [encode(entry) for entry in found]
        write_json(json_path, {"schema": "wse-models/1", "models": entries}, force=force)
    if json_path != STDOUT:
        print_models(found)
