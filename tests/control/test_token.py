"""The file with the token."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gunicorn.control.guard import LONGEST_TOKEN, read_token


def put(folder: Path, content: bytes, mode: int = 0o600) -> str:
    path = folder / "token"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("content", [b"a", b"abc\n", b" abc\r\n", b"A-Z.a_z~0+9/==\n", b"a" * LONGEST_TOKEN + b"\n"])
def test_a_token(tmp_path: Path, content: bytes) -> None:
    assert read_token(put(tmp_path, content)) == content.strip()
    assert read_token(put(tmp_path, content, 0o400)) == content.strip()


@pytest.mark.parametrize(("content", "mode", "told"), [
    (b"", 0o600, "empty"), (b" \n", 0o600, "empty"), (b"two words", 0o600, "one word"), (b"a\nb", 0o600, "one word"),
    (b"caf\xe9", 0o600, "one word"), (b"a=b", 0o600, "one word"), (b"a" * (LONGEST_TOKEN + 1), 0o600, "at most"),
    (b"a" * 9000, 0o600, "at most"), (b"abc", 0o640, "mode 0640.*chmod 600"), (b"abc", 0o604, "mode 0604"),
    (b"abc", 0o620, "mode 0620"), (b"abc", 0o666, "mode 0666"),
])
def test_no_token(tmp_path: Path, content: bytes, mode: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_token(put(tmp_path, content, mode))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_token(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="not a regular file"):
        read_token(str(tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ValueError, match="not a regular file"):
        read_token(str(tmp_path / "pipe"))
