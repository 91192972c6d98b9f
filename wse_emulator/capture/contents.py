"""The contents of tensors and of Python data, as short texts that can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import torch

_SAMPLED: Final = 1 << 18
"""Elements: of a larger tensor every n-th element is compared, this many to twice as many."""

_SHOWN: Final = 60
"""Characters of a name that shows its data."""


def contents_of(tensor: torch.Tensor) -> str | None:
    """A text that is equal for equal contents; None for a tensor without values (meta)."""
    if tensor.device.type == "meta" or tensor.layout is not torch.strided:
        return None
    try:
        # past all modes: they are told of what a step does, not of this
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            flat = tensor.detach().reshape(-1)
            # a copy: numpy() keeps the storage that it is given from ever being resized
            flat = flat[:: max(1, flat.numel() // _SAMPLED)].clone()
            raw = flat.view(torch.uint8).cpu().numpy()
    except (RuntimeError, TypeError, NotImplementedError):
        return None  # a format whose bytes torch does not lay open
    return hashlib.blake2b(raw.data, digest_size=8).hexdigest() if raw.size else "empty"


def name_of_data(data: object, made: torch.Tensor) -> str:
    """``tensor(0.1)``: a name that differs wherever the Python data do.

    Long data are named by the beginning and a digest of all of it. ``made`` is the tensor that was
    made from them, which may be on the meta device and then holds none.
    """
    shown = f"tensor({data!r:.{_SHOWN}})"
    if isinstance(data, (bool, int, float, complex)):
        return f"tensor({data!r})"
    if isinstance(data, (list, tuple)) and len(repr(data)) <= _SHOWN and _plain(data):
        return shown
    held = made
    if made.device.type == "meta":
        try:
            held = torch.as_tensor(data, device="cpu")
        except (RuntimeError, TypeError, ValueError):
            return shown
    return f"{' '.join(shown.split())} {contents_of(held)}"


def name_of_contents(tensor: torch.Tensor) -> str:
    """The name of a tensor that was made from Python data of which only the result is known."""
    if tensor.numel() == 1:
        return name_of_data(tensor.tolist(), tensor)
    return f"tensor of shape {list(tensor.shape)} {contents_of(tensor)}"


def tensors_among(data: object) -> Iterator[torch.Tensor]:
    """Tensors inside nested lists of Python data."""
    if isinstance(data, torch.Tensor):
        yield data
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from tensors_among(item)


def _plain(data: object) -> bool:
    if isinstance(data, (list, tuple)):
        return all(_plain(item) for item in data)
    return isinstance(data, (bool, int, float))
