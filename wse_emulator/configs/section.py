"""One section of a run config, which remembers what was taken out of it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeGuard, TypeVar

from schedulers.names import number
from wse_emulator.errors import ConfigError

Value = TypeVar("Value", int, str, bool, float)

MOST_LAYERS: Final = 10_000
"""More than any model has; a config with more is a mistake, and would take minutes to build."""


LARGEST_SIZE: Final = 2**48
"""A larger size of a model is a mistake; torch cannot count the bytes of its tensors."""


class Section:
    """A mapping under a dotted path; every key read is marked, the rest is :meth:`unused`.

    The reader of run configs and the builders of models read through the same sections, so that
    there is one list of what was used. A key counts as used once its presence is asked for.

    Args:
        entries: what stands in the section.
        path: dotted path from the top, empty for the top itself.
        source: the file, for messages.
    """

    def __init__(self, entries: Mapping[str, object], path: str, source: str) -> None:
        self.entries = entries
        self.path = path
        self.source = source
        self._taken: set[str] = set()
        self._sections: dict[str, Section] = {}

    def has(self, key: str) -> bool:
        """Whether the section holds `key` with a value; it counts as used."""
        self._taken.add(key)
        return self.entries.get(key) is not None

    def take(self, *keys: str) -> object:
        """The first of `keys` that has a value, or None; all of them count as used."""
        self._taken.update(keys)
        return next((self.entries[key] for key in keys if self.entries.get(key) is not None), None)

    def section(self, key: str) -> Section:
        """The section below `key`, an empty one if there is none.

        Raises:
            ConfigError: `key` holds something else.
        """
        if key not in self._sections:
            value = self.entries.get(key)
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if value is None:
                value = {}
            if not is_mapping(value):
                raise ConfigError(f"{self.name(key)} must be a section of names and values")
            self._sections[key] = Section(value, self._below(key), self.source)
        return self._sections[key]

    def count(self, *keys: str) -> int | None:
        """A whole number, 1 or more, under the first of `keys` present."""
        value = number(self.take(*keys))
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{self._present(keys)} is {value!r}; it must be a whole number >= 1")
        if value > LARGEST_SIZE:
            raise ConfigError(f"{self._present(keys)} is {value}, which is impossibly large")
        return value

    def positive(self, *keys: str) -> float | None:
        """A finite number above 0 under the first of `keys` present."""
        value = number(self.take(*keys))
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 < value <= sys.float_info.max
        ):
            raise ConfigError(f"{self._present(keys)} is {value!r}; it must be a number above 0")
        return float(value)

    def flag(self, *keys: str) -> bool | None:
        """True or False under the first of `keys` present."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, bool):
            raise ConfigError(f"{self._present(keys)} is {value!r}; it must be true or false")
        return value

    def text(self, *keys: str) -> str | None:
        """A string under the first of `keys` present."""
        value = self.take(*keys)
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{self._present(keys)} is {value!r}; it must be text")
        return value

    # --- what a model needs: required sizes, and values with the Model Zoo's defaults ---------

    def size(self, key: str, default: int | None = None) -> int:
        """A whole number, 1 or more.

        Raises:
            ConfigError: it is something else, or it is missing and there is no default.
        """
        value = self.count(key)
        if value is not None:
            return value
        if default is None:
            raise ConfigError(
                f"{self.name(key)} is None; the model cannot be built without a whole number from 1"
            )
        return default

    def layers(self, key: str, default: int | None = None) -> int:
        """A number of layers: each is built, so there is a limit."""
        value = self.size(key, default)
        if value > MOST_LAYERS:
            raise ConfigError(
                f"{self.name(key)} is {value}; at most {MOST_LAYERS:,} layers are built"
            )
        return value

    def get(self, key: str, default: Value) -> Value:
        """A value of the default's type."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(default, str | bool):
            value = number(value)
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(default):  # True is an int to Python
            raise ConfigError(f"{self.name(key)} is {value!r}, not a {type(default).__name__}")
        return value

    def whole(self, key: str, default: int) -> int:
        """A whole number, 0 or more."""
        value = self.get(key, default)
        if value < 0:
            raise ConfigError(f"{self.name(key)} is {value}; it must be a whole number >= 0")
        return value

    def probability(self, key: str, default: float) -> float:
        """A number from 0 to 1."""
        value = self.get(key, default)
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"{self.name(key)} is {value}; it must be a number from 0 to 1")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if there is none."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ConfigError(f"{self.name(key)} is {value!r}; it must be a list of texts")
        return tuple(value)

    def choice(self, key: str, default: str, known: Collection[str]) -> str:
        """One of the known words, in any case."""
        word = self.get(key, default).lower()
        if word not in known:
            raise ConfigError(f"{self.name(key)} is {word!r}; known are {', '.join(known)}")
        return word

    def pair(self, key: str) -> tuple[int, int]:
        """Two whole numbers, 1 or more; a single one stands for both."""
        value = self.take(key)
        sizes = value if isinstance(value, list) else [value, value]
        match sizes:
            case [int(height), int(width)] if _is_size(height) and _is_size(width):
                return height, width
        raise ConfigError(f"{self.name(key)} is {value!r}, not two sizes")

    def each(self, key: str, inner: str) -> tuple[tuple[Section, Section], ...]:
        """Of a list of sections, each entry and the section ``inner`` in it.

        Raises:
            ConfigError: `key` holds something else.
        """
        value = self.entries.get(key)
        if not isinstance(value, list) or not value or not all(is_mapping(v) for v in value):
            raise ConfigError(f"{self.name(key)} is not a list of sections")
        found = []
        for index, entry in enumerate(value):
            place = f"{key}[{index}]"
            if place not in self._sections:
                self._sections[place] = Section(entry, self._below(place), self.source)
            found.append((self._sections[place], self._sections[place].section(inner)))
        return tuple(found)

    def refused(self, why: str) -> ConfigError:
        """The error that says what of the section is wrong."""
        return ConfigError(f"{self.source}: {self.path}: {why}")

    # --- what was not used --------------------------------------------------------------------

    def unused(self, *, given: bool = False) -> tuple[str, ...]:
        """Dotted names of what nothing has read, in the order of the file.

        Args:
            given: leave out the keys whose value is null, which stand for keys that are absent.
        """
        found: list[str] = []
        for key, value in self.entries.items():
            if key in self._sections:
                found.extend(self._sections[key].unused(given=given))
            elif f"{key}[0]" in self._sections and isinstance(value, list):
                for index in range(len(value)):
                    found.extend(self._sections[f"{key}[{index}]"].unused(given=given))
            elif key not in self._taken and not (given and value is None):
                found.append(self._below(key))
        return tuple(found)

    def name(self, key: str) -> str:
        """File and dotted name of `key`, for messages."""
        return f"{self.source}: {self._below(key)}"

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _present(self, keys: Sequence[str]) -> str:
        return self.name(next(key for key in keys if self.has(key)))


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether `value` maps names to values."""
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_size(value: int) -> bool:
    return not isinstance(value, bool) and 0 < value <= LARGEST_SIZE
