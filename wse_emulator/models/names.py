"""The numbered layer and the module to which a parameter belongs, by its name."""

from __future__ import annotations


def layer_of(name: str) -> str | None:
    """The numbered layer of a parameter: its name up to the first index, or None without an index.

    ``transformer.h.3.attn.c_attn.weight`` belongs to ``transformer.h.3``. Several indices in a row,
    as of a block in a stage (``stages.1.0.bias``), are all kept; a later one, as of an expert in a
    layer, is not.
    """
    parts = name.split(".")
    for position, part in enumerate(parts[:-1]):
        if part.isdecimal():
            end = position + 1
            while end < len(parts) - 1 and parts[end].isdecimal():
                end += 1
            return ".".join(parts[:end])
    return None


def module_of(name: str) -> str:
    """The module that owns a parameter: its name without the last component."""
    return name.rpartition(".")[0] or name
