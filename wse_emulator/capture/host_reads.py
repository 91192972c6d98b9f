"""Reads of a tensor's value from Python that reach no dispatched op, and Python data made tensors.

torch's function mode sees calls of methods and functions. What it does not see is found by methods
that are exchanged for the time of a step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol, SupportsIndex

import torch
from torch.overrides import TorchFunctionMode

import optimizers
from wse_emulator.capture.addresses import NoAddressError
from wse_emulator.capture.contents import tensors_among

_READS: Final = frozenset(
    {
        "tolist",
        "numpy",
        "cpu",
        "__array__",
        "__dlpack__",
        "__repr__",
        "__format__",
        "__deepcopy__",
    }
)
_OWN: Final = str(Path(optimizers.__file__).parent)
"""These optimizers compare addresses, to tell whether state is what it was, and read none."""

_FROM_DATA: Final = frozenset({"tensor", "as_tensor", "asarray", "from_file"})
"""Functions whose first argument is Python data."""

_NEW_FROM_DATA: Final = frozenset({"new_tensor", "new"})
"""Methods whose first argument after the tensor is Python data."""


class Listener(Protocol):
    """What is told of reads and of tensors made from Python data."""

    @property
    def listening(self) -> bool:
        """Whether the calls that are made now belong to the step."""

    def host_read(self, call: str, tensor: torch.Tensor | None) -> None:
        """Python reads the value of a tensor (None: not a single tensor)."""

    def storage_read(self, call: str, storage: torch.UntypedStorage) -> None:
        """Python reads a storage."""

    def made_from_python(self, tensor: torch.Tensor, data: object) -> None:
        """Python data became a tensor."""


class WatchCalls(TorchFunctionMode):
    """Tells a listener of the reads and the data among torch's functions and methods."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        keywords = kwargs or {}
        listener = self._listener
        if not listener.listening:
            return func(*args, **keywords)
        name = getattr(func, "__name__", "")
        first = args[0] if args else None
        if isinstance(first, torch.Tensor):
            if name in _READS:
                listener.host_read(f".{name}()", first)
            elif name == "data_ptr" and not sys._getframe(1).f_code.co_filename.startswith(_OWN):
                listener.host_read(".data_ptr()", first)
                if first.device.type == "meta":
                    raise NoAddressError
            elif name in ("to", "type") and _goes_to_host(first, (*args[1:], *keywords.values())):
                listener.host_read(f".{name}() of the host's memory", first)
            elif name == "tensor_split":
                for places in tensors_among([*args[1:], *keywords.values()]):
                    listener.host_read(".tensor_split()", places)
        if name not in _FROM_DATA and name not in _NEW_FROM_DATA:
            return func(*args, **keywords)
        data = args[1 if name in _NEW_FROM_DATA else 0 :][:1] or (keywords.get("data"),)
        among = [] if isinstance(data[0], torch.Tensor) else list(tensors_among(data[0]))
        for tensor in among:
            listener.host_read(f"torch.{name}() of a list of tensors", tensor)
        result = func(*args, **keywords)
        if isinstance(result, torch.Tensor) and not isinstance(data[0], (torch.Tensor, torch.Size)):
            sizes = name == "new" and not isinstance(data[0], (list, tuple))
            if not sizes and not among:
                listener.made_from_python(result, data[0])
        return result


@contextmanager
def watched_methods(listener: Listener) -> Iterator[None]:
    """Exchange the methods through which values are read unseen, while the block runs."""
    reduce: Callable[..., object] = torch.Tensor.__reduce_ex__
    export: Callable[..., object] = vars(torch.utils.dlpack)["to_dlpack"]
    address: Callable[[torch.UntypedStorage], int] = torch.UntypedStorage.data_ptr

    def reduced(tensor: torch.Tensor, protocol: SupportsIndex) -> object:
        copied = sys._getframe(1).f_globals.get("__name__") == "copy"  # a shallow copy reads none
        if listener.listening and not copied:
            listener.host_read("pickling", tensor)
        return reduce(tensor, protocol)

    def exported(tensor: torch.Tensor) -> object:
        if listener.listening:
            listener.host_read("to_dlpack()", tensor)
        return export(tensor)

    def located(storage: torch.UntypedStorage) -> int:
        if listener.listening:
            listener.storage_read(".untyped_storage().data_ptr()", storage)
            if storage.device.type == "meta":
                raise NoAddressError
        return address(storage)

    with (
        _exchanged(torch.Tensor, "__reduce_ex__", reduced),
        _exchanged(torch.utils.dlpack, "to_dlpack", exported),
        _exchanged(torch.UntypedStorage, "data_ptr", located),
    ):
        yield


@contextmanager
def _exchanged(owner: object, name: str, function: object) -> Iterator[None]:
    """Another attribute of this name while the block runs; an inherited one shows again after."""
    own = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _goes_to_host(tensor: torch.Tensor, given: Sequence[object]) -> bool:
    """Whether a device or type among the arguments is the host's, said as such.

    A ``torch.device`` may have been asked of another tensor of the step: that is no read on a host
    where all tensors are, but it is for a tensor that is elsewhere.
    """
    for argument in given:
        if isinstance(argument, str) and argument.partition(":")[0] == "cpu":
            return True
        if isinstance(argument, torch.device) and argument.type == "cpu" != tensor.device.type:
            return True
    return False
