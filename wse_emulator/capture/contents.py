"""The contents of tensors and of Python data, as short texts that can be compared."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Final

import torch

_SAMPLED: Final = 1 << 18
"""Elements: of a larger tensor every n-th is hashed, this many to twice as many."""

_SHOWN: Final = 60
"""Characters of a name that shows its data."""


def contents_of(tensor: torch.Tensor, *, whole: bool = False) -> str | None:
    """A text that is equal for equal contents; None for a tensor without values (meta).

    With ``whole``, a large tensor is compared to its last element, at 1 GB a second.
    """
    if tensor.device.type == "meta" or tensor.layout is not torch.strided:
        return None
    try:
        # past all modes: they are told of what a step does, not of this
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            flat = tensor.detach().reshape(-1)
            every = max(1, flat.numel() // _SAMPLED)
            # a copy: numpy() keeps the storage that it is given from ever being resized
            raw = flat[::every].clone().view(torch.uint8).cpu().numpy()
            rest = flat.clone().view(torch.uint8).cpu().numpy() if whole and every > 1 else None
    except (RuntimeError, TypeError, NotImplementedError):
        return None  # a format whose bytes torch does not lay open
    if not raw.size:
        return "empty"
    digest = hashlib.blake2b(raw.data, digest_size=8).hexdigest()
    return digest if rest is None else f"{digest} {zlib.crc32(rest.data):08x}"


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
    return f"{' '.join(shown.split())} {contents_of(held, whole=True)}"


def name_of_contents(tensor: torch.Tensor) -> str:
    """The name of a tensor that was made from Python data of which only the result is known."""
    if tensor.numel() == 1:
        return name_of_data(tensor.tolist(), tensor)
    return f"tensor of shape {list(tensor.shape)} {contents_of(tensor, whole=True)}"


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
