"""Freeze the parameters that a run config names by patterns, as the Model Zoo does."""

from __future__ import annotations

import re

from torch import nn

from wse_emulator.configs.section import Section
from wse_emulator.models.family import Family


def freeze(module: nn.Module, settings: Section) -> None:
    """Take the gradient from the parameters that ``freeze`` of a ``model`` section matches.

    The key holds regular expressions, which are searched in the Model Zoo's names of modules and
    of parameters. A frozen parameter is a weight alone: it has no gradient and no state.

    Raises:
        ConfigError: a pattern is no regular expression, or matches nothing.
    """
    names = {
        configured_name(module, name): parameter for name, parameter in module.named_parameters()
    }
    for text in settings.words("freeze"):
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise settings.refused(f"freeze: {text!r} is no regular expression: {error}") from error
        found = [p for name, p in names.items() if matches(pattern, name)]
        if not found:
            starts = sorted({name.split(".")[0] for name in names})
            raise settings.refused(
                f"freeze: {text!r} matches no parameter; their names begin with {', '.join(starts)}"
            )
        for parameter in found:
            parameter.requires_grad_(False)


def matches(pattern: re.Pattern[str], name: str) -> bool:
    """Whether a pattern is found in the name of a parameter or of its module."""
    return bool(pattern.search(name) or pattern.search(name.rpartition(".")[0]))


def configured_name(module: nn.Module, name: str) -> str:
    """The Model Zoo's name of a parameter."""
    for here, there in module.configured_names if isinstance(module, Family) else ():
        start = name.startswith(here)
        if start or (here.startswith(".") and here in name):
            name = name.replace(here, there, 1)
    return name
