"""``wse models``: list the built-in models."""

from __future__ import annotations

import click

from wse_emulator.cli.output import STDOUT, write_json
from wse_emulator.questions.models import models as list_models
from wse_emulator.results.codec import encode
from wse_emulator.terminal.models import print_models


@click.command()
@click.option("--json", "json_path", metavar="FILE", help="Write the list as JSON ('-': stdout).")
def models(json_path: str | None) -> None:
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
        write_json(json_path, {"schema": "wse-models/1", "models": entries})
    if json_path != STDOUT:
        print_models(found)
