"""``wse models``: list the built-in models."""

from __future__ import annotations

import click

from wse_emulator.cli.output import STDOUT, force_option, json_option, write_json
from wse_emulator.models.catalog import builtin_model, builtin_names
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
    found = sorted(
        (builtin_model(name) for name in builtin_names()),
        key=lambda model: (model.total_elements, model.name),
    )
    if json_path is not None:
        entries = [
            {
                "name": model.name,
                "parameters": model.total_elements,
                "tensors": len(model.parameters),
                "architecture": model.architecture,
                "source": model.source,
            }
            for model in found
        ]
        write_json(json_path, {"schema": "wse-models/1", "models": entries}, force=force)
    if json_path != STDOUT:
        print_models(found)
