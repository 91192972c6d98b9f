"""What the name of a parameter says: the numbered layer and the module it belongs to."""

from __future__ import annotations


def layer_of(name: str) -> str | None:
    """The numbered layer a parameter belongs to: its name up to and with its indices.

    ``transformer.h.3.attn.c_attn.weight`` -> ``transformer.h.3``; ``layer1.0.bn1.bias`` ->
    ``layer1.0``; a name without an index gives None. Of several indices in a row (a block in a
    stage) all are kept; later ones (an expert in a layer) are not.
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
