"""Nothing that was there is lost by what a command writes, and a failed write leaves it whole."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from pathlib import Path

import click
import pytest

from tests.cli.command import wse
from wse_emulator.cli.main import COMMANDS, cli
from wse_emulator.results import one_file
from wse_emulator.results.folder import write_files

CONFIG = """
optimizer: {optimizer_type: SGD, learning_rate: 0.1}
runconfig: {max_steps: 4}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIG)
    return tmp_path


def refused(*arguments: str) -> str:
    """The one line of an answer with exit code 2."""
    answer = wse(*arguments)
    assert (answer.code, answer.output) == (2, "")
    assert answer.error.count("\n") == 1
    return answer.error


def test_every_command_with_json_has_force() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        options = {option for p in command.params for option in p.opts}
        if "--json" in options:
            assert "--force" in options, name


@pytest.mark.parametrize(
    "held", [b"precious", b'{"schema": "mine"}', b"[]", b'{"schema": "wse-run/1"', b"\xff"]
)
def test_a_file_of_the_users_own_is_replaced_by_force_alone(held: bytes) -> None:
    Path("keep.json").write_bytes(held)
    assert "keep.json exists; name another place, or give --force" in refused(
        "wafers", "--json", "keep.json"
    )
    assert Path("keep.json").read_bytes() == held
    assert wse("wafers", "--json", "keep.json", "--force").code == 0
    assert json.loads(Path("keep.json").read_text())["schema"] == "wse-wafers/1"


def test_a_document_of_this_package_and_an_empty_file_are_replaced() -> None:
    Path("empty.json").touch()
    assert wse("wafers", "--json", "empty.json").code == 0
    assert wse("models", "--json", "empty.json").code == 0
    assert json.loads(Path("empty.json").read_text())["schema"] == "wse-models/1"


@pytest.mark.parametrize("flag", ["--csv", "--plot"])
def test_curves_and_tables_are_replaced_by_force_alone(flag: str) -> None:
    file = f"rates.{'csv' if flag == '--csv' else 'png'}"
    Path(file).write_text("precious")
    assert f"{file} exists" in refused("schedule", "config.yaml", flag, file)
    assert Path(file).read_text() == "precious"
    assert wse("schedule", "config.yaml", flag, file, "--force").code == 0
    assert Path(file).read_bytes() != b"precious"


def test_two_outputs_do_not_share_a_file() -> None:
    error = refused("schedule", "config.yaml", "--csv", "a.txt", "--json", "a.txt", "--force")
    assert "a.txt is named for two outputs" in error


def test_a_link_stays_and_what_it_names_is_written() -> None:
    Path("real.json").write_text("precious")
    Path("link.json").symlink_to("real.json")
    assert "exists" in refused("wafers", "--json", "link.json")
    assert Path("real.json").read_text() == "precious"
    assert wse("wafers", "--json", "link.json", "--force").code == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text())["schema"] == "wse-wafers/1"
    Path("nowhere.json").symlink_to("made.json")
    assert wse("wafers", "--json", "nowhere.json").code == 0
    assert Path("nowhere.json").is_symlink()
    assert Path("made.json").is_file()


def test_links_in_a_folder_stay_too(here: Path) -> None:
    Path("real.txt").write_text("old")
    (here / "link.txt").symlink_to("real.txt")
    write_files(here, {"link.txt": b"new"}, force=True)
    assert Path("link.txt").is_symlink()
    assert Path("real.txt").read_text() == "new"


def test_a_pipe_gets_the_document_and_stays_a_pipe() -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    assert wse("wafers", "--json", "pipe").code == 0
    reader.join()
    assert json.loads(read[0])["schema"] == "wse-wafers/1"
    assert stat.S_ISFIFO(Path("pipe").lstat().st_mode)


def test_a_pipe_that_nobody_reads_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_file, "_READER_TRIES", 1)
    os.mkfifo("pipe")
    assert "a pipe that nobody reads" in refused("wafers", "--json", "pipe")


def test_a_device_is_written_to() -> None:
    """A terminal is a device that any user can have one of."""
    master, terminal = os.openpty()
    device = Path(os.ttyname(terminal))
    assert wse("schedule", "config.yaml", "--steps", "2", "--json", str(device)).code == 0
    assert json.loads(os.read(master, 100_000))["schema"] == "wse-schedule/1"
    assert stat.S_ISCHR(device.lstat().st_mode)
    os.close(terminal)
    os.close(master)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("no/such/folder.json", "No such file or directory"),
        ("config.yaml/x.json", "Not a directory"),
        (".", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        (f"{'é' * 400}.json", "File name too long"),
        ("nul\0.json", "holds a NUL character"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(place: str, says: str) -> None:
    Path("loop").symlink_to("loop")
    assert says in refused("wafers", "--json", place)


def test_the_longest_name_there_can_be_is_written() -> None:
    name = f"{'é' * 125}.json"
    assert wse("wafers", "--json", name).code == 0
    assert Path(name).stat().st_size > 0


def test_a_disk_that_fills_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("old.json").write_text('{"schema": "wse-run/1"}')

    def full(source: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left on device" in refused("wafers", "--json", "old.json")
    assert Path("old.json").read_text() == '{"schema": "wse-run/1"}'
    assert {p.name for p in Path().iterdir()} == {"old.json", "config.yaml"}


def test_a_replaced_file_keeps_its_permissions() -> None:
    Path("private.json").touch(mode=0o600)
    assert wse("wafers", "--json", "private.json").code == 0
    assert stat.S_IMODE(Path("private.json").stat().st_mode) == 0o600
