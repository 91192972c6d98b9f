"""YAML files of strangers, read safely: no tags, no bombs, no key twice."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Final

import yaml

from wse_emulator.errors import MalformedFileError
from wse_emulator.text_file import text_of

LARGEST_FILE_BYTES: Final = 256 * 1024
"""A run config of the Model Zoo has some 15 KiB; above this size it is not one."""

LARGEST_NODE_COUNT: Final = 200_000
"""Values a file may stand for once its aliases are followed (an anchor bomb doubles them)."""

_STANDARD_TAG: Final = "tag:yaml.org,2002:"


def read_yaml_mapping(path: Path) -> dict[str, object]:
    """Read one YAML document whose top level maps names to values.

    Plain data only: mappings, sequences, strings, numbers, booleans, null and dates.

    Raises:
        MalformedFileError: as :func:`read_yaml`, or it is no mapping.
    """
    document = read_yaml(path)
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise MalformedFileError(
            f"{path}: the top level must map names to sections, as in a Model Zoo run config"
        )
    return document


def read_yaml(path: Path) -> object:
    """Read one YAML document of plain data.

    Raises:
        MalformedFileError: the file is missing, too large, not UTF-8, not YAML, holds a tag, an
            alias bomb, a name twice in one mapping or several documents.
    """
    try:
        text = text_of(path, "a run config", LARGEST_FILE_BYTES)
    except OSError as error:
        raise MalformedFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise MalformedFileError(f"{path}: {error}") from error
    try:
        return _document(text, path)
    except yaml.YAMLError as error:
        raise MalformedFileError(f"{path}: {_position(error)}") from error
    except RecursionError as error:
        raise MalformedFileError(f"{path}: nested too deeply to be a run config") from error
    except _BAD_VALUES as error:  # such as a date in month 13
        raise MalformedFileError(f"{path}: a value cannot be read: {error}") from error


_BAD_VALUES: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What PyYAML raises over values that it cannot construct, beside its own errors."""


def _document(text: str, path: Path) -> object:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise MalformedFileError(f"{path}: the file is empty; give a run config")
        _check(node, path)
        document: object = loader.construct_document(node)
    finally:
        loader.dispose()
    return document


def _check(root: yaml.Node, path: Path) -> None:
    """Refuse tags, repeated names, and aliases that multiply, before anything is built."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        """Values `node` stands for with its aliases followed."""
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes:
            raise MalformedFileError(f"{path}: {_line(node)}: an anchor contains its own alias")
        open_nodes.add(id(node))
        if not node.tag.startswith(_STANDARD_TAG) or "python" in node.tag:
            raise MalformedFileError(
                f"{path}: {_line(node)}: the tag {node.tag} is not read; write plain data"
            )
        count = 1
        if isinstance(node, yaml.MappingNode):
            _check_names(node, path)
            count += sum(size(name) + size(value) for name, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            count += sum(size(item) for item in node.value)
        if count > LARGEST_NODE_COUNT:
            raise MalformedFileError(
                f"{path}: {_line(node)}: aliases expand it to more than {LARGEST_NODE_COUNT:,}"
                " values; write it out"
            )
        open_nodes.discard(id(node))
        sizes[id(node)] = count
        return count

    size(root)


def _check_names(mapping: yaml.MappingNode, path: Path) -> None:
    seen: set[Hashable] = set()
    for name, _ in mapping.value:
        if not isinstance(name, yaml.ScalarNode):
            raise MalformedFileError(f"{path}: {_line(name)}: a name must be plain text")
        if name.value in seen:
            raise MalformedFileError(
                f"{path}: {_line(name)}: {name.value} stands twice in one mapping; keep one"
            )
        seen.add(name.value)


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}" if node.start_mark is not None else "a line"


def _position(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{where}not YAML: {problem}"
