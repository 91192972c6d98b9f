"""One section of a run config, which remembers what was taken out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard, TypeVar

from schedulers.names import number
from wse_emulator.errors import ConfigError

Value = TypeVar("Value", int, str, bool, float)

MOST_LAYERS: Final = 10_000
"""More than any model has; a config with more is a mistake, and would take minutes to build."""


class Section:
    """A mapping under a dotted path; every key read is marked, the rest is :meth:`unused`.

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
        """Whether the section holds `key` with a value."""
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
        return value

    def positive(self, *keys: str) -> float | None:
        """A finite number above 0 under the first of `keys` present."""
        value = number(self.take(*keys))
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or value <= 0
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

    def unused(self) -> tuple[str, ...]:
        """Dotted names of what nothing has read, in the order of the file."""
        found: list[str] = []
        for key in self.entries:
            if key in self._sections:
                found.extend(self._sections[key].unused())
            elif key not in self._taken:
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


class Settings:
    """The section, read with the defaults of the Model Zoo; wrong values are named."""

    def __init__(self, settings: Mapping[str, object], source: str) -> None:
        self._settings = settings
        self._source = source

    def refused(self, why: str) -> ConfigError:
        """The error that says what of the section is wrong."""
        return ConfigError(f"{self._source}: model: {why}")

    def has(self, name: str) -> bool:
        """Whether the section names it."""
        return self._settings.get(name) is not None

    def size(self, name: str, default: int | None = None) -> int:
        """A whole number from 1."""
        value = self._settings.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.refused(
                f"{name} is {value!r}; the model cannot be built without a whole number from 1"
            )
        return value

    def layers(self, name: str, default: int | None = None) -> int:
        """A number of layers: each is built, so there is a limit."""
        value = self.size(name, default)
        if value > MOST_LAYERS:
            raise self.refused(f"{name} is {value}; at most {MOST_LAYERS:,} layers are built")
        return value

    def get(self, name: str, default: Value) -> Value:
        """A value of the default's type."""
        value = self._settings.get(name)
        if value is None:
            return default
        if isinstance(default, float) and isinstance(value, int):
            value = float(value)
        if not isinstance(value, type(default)):
            raise self.refused(f"{name} is {value!r}, not a {type(default).__name__}")
        return value

    def pair(self, name: str) -> tuple[int, int]:
        """Two whole numbers."""
        value = self._settings.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value, value]
        if not isinstance(value, list) or len(value) != 2 or not all(_is_size(v) for v in value):
            raise self.refused(f"{name} is {value!r}, not two sizes")
        return value[0], value[1]

    def part(self, name: str) -> Settings:
        """A section in the section; empty if it is not there."""
        value = self._settings.get(name)
        return Settings(value if isinstance(value, dict) else {}, self._source)

    def first(self, name: str, inner: str) -> Settings:
        """The section ``inner`` of the first entry of a list."""
        value = self._settings.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return Settings(value[0], self._source).part(inner)
        raise self.refused(f"{name} is not a list of sections")

    def choice(self, name: str, default: str, known: Mapping[str, object]) -> str:
        """One of the known words."""
        word = self.get(name, default).lower()
        if word not in known:
            raise self.refused(f"{name} is {word!r}; known are {', '.join(known)}")
        return word


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
