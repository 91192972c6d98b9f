"""YAML of strangers: plain data is read, everything else is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wse_emulator.configs.yaml_file import LARGEST_FILE_BYTES, read_yaml_mapping
from wse_emulator.errors import MalformedFileError


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_plain_data_anchors_and_merges_are_read(tmp_path: Path) -> None:
    text = "base: &b {rate: 1.0e-4, on: true}\nuse: *b\nmore:\n  <<: *b\n  list: [1, 2.5, ~]\n"
    assert read_yaml_mapping(_file(tmp_path, text)) == {
        "base": {"rate": 1e-4, True: True},  # YAML 1.1 reads a bare `on` as true
        "use": {"rate": 1e-4, True: True},
        "more": {"rate": 1e-4, True: True, "list": [1, 2.5, None]},
    }


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("", "empty"),
        ("- 1\n- 2\n", "top level"),
        ("3: x\n", "top level"),
        ("just text", "top level"),
        ("a: [1, 2\n", "line 2, column 1: not YAML"),
        ("a: 1\n\tb: 2\n", "not YAML"),
        ("a: 1\n---\nb: 2\n", "not YAML"),
        ("a: 1\na: 2\n", "line 2: a stands twice"),
        ("a: !!python/object/apply:os.system ['true']\n", "line 1: the tag"),
        ("a: !secret x\n", "line 1: the tag !secret"),
        ("a: &a [*a]\n", "contains its own alias"),
        ("? [1, 2]\n: x\n", "a name must be plain text"),
        ("a: 2024-13-45\n", "a value cannot be read"),
        (BOMB, "aliases expand it"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        (b"a: \xff\xfe\n", "not UTF-8"),
        ("a: '" + "x" * LARGEST_FILE_BYTES + "'", "larger than 256 KiB"),
    ],
)
def test_anything_else_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, mentions: str
) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(MalformedFileError) as caught:
        read_yaml_mapping(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert mentions in message
    assert "\n" not in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(MalformedFileError, match="cannot be read"):
            read_yaml_mapping(path)
