"""A download is whole or not there, goes on where it stopped, and says in one message what is wrong."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.checkpoints.download import CHUNK, DownloadCancelled, download
from engine.errors import MaskwrightError, NotWritable
from tests.engine.conftest import SmallDisk

from .serving import Served, serving

CONTENT = random.Random(0).randbytes(5 * CHUNK + 17)
HASH = hashlib.sha256(CONTENT).hexdigest()[:8]
HALF = 2 * CHUNK + 5


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(CONTENT) as each:
        yield each


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.pth"


def left(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()} if target.parent.is_dir() else set()


def interrupted(served: Served, target: Path) -> None:
    """A download that broke off half way."""
    served.breaks_after = HALF
    with pytest.raises(MaskwrightError, match=r"cannot be reached \(the line broke off\)"):
        download(served.url, target, sha256_prefix=HASH)
    assert not target.exists()
    assert target.with_name("model.pth.part").read_bytes() == CONTENT[:HALF]


def test_a_file_arrives_whole_and_tells_how_far_it_is(served: Served, target: Path) -> None:
    told: list[tuple[int, int]] = []
    download(served.url, target, sha256_prefix=HASH, progress=lambda done, total: told.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert left(target) == {"model.pth"}


def test_what_broke_off_goes_on_where_it_stopped(served: Served, target: Path) -> None:
    interrupted(served, target)
    told: list[int] = []
    download(served.url, target, sha256_prefix=HASH, progress=lambda done, total: told.append(done))
    assert served.asked == [None, f"bytes={HALF}-"]
    assert told[0] == HALF
    assert target.read_bytes() == CONTENT
    assert left(target) == {"model.pth"}


def test_a_server_without_parts_sends_it_anew(served: Served, target: Path) -> None:
    interrupted(served, target)
    served.ranges = False
    download(served.url, target, sha256_prefix=HASH)
    assert served.asked[-1] == f"bytes={HALF}-"
    assert target.read_bytes() == CONTENT


def test_another_file_under_the_same_address_is_not_mixed_with_the_first(served: Served, target: Path) -> None:
    interrupted(served, target)
    served.content, served.tag = CONTENT[::-1], '"two"'
    download(served.url, target, sha256_prefix=hashlib.sha256(served.content).hexdigest()[:8])
    assert target.read_bytes() == served.content


def test_one_that_was_there_but_for_its_name_is_taken(served: Served, target: Path) -> None:
    interrupted(served, target)
    target.with_name("model.pth.part").write_bytes(CONTENT)
    download(served.url, target, sha256_prefix=HASH)
    assert served.asked[-1] == f"bytes={len(CONTENT)}-"
    assert target.read_bytes() == CONTENT


def test_a_damaged_file_is_deleted_and_the_old_one_stays(served: Served, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(MaskwrightError, match=r"damaged.*not with 00000000.*deleted.*again"):
        download(served.url, target, sha256_prefix="00000000")
    assert left(target) == {"model.pth"}
    assert target.read_bytes() == b"old"


def test_a_cancelled_one_keeps_what_is_there(served: Served, target: Path) -> None:
    told: list[int] = []
    with pytest.raises(DownloadCancelled):
        download(
            served.url,
            target,
            sha256_prefix=HASH,
            progress=lambda done, total: told.append(done),
            cancelled=lambda: told[-1] >= CHUNK,
        )
    assert not target.exists()
    download(served.url, target, sha256_prefix=HASH)
    assert served.asked[-1] == f"bytes={told[-1]}-"
    assert target.read_bytes() == CONTENT


def test_without_a_network_there_is_one_message(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/model.pth"
        with pytest.raises(MaskwrightError, match=r"127\.0\.0\.1:\d+ cannot be reached \(Connection refused\)"):
            download(url, target, sha256_prefix=HASH)
    assert left(target) == set()


def test_a_file_that_is_not_there_is_told_with_the_servers_words(served: Served, target: Path) -> None:
    served.missing = True
    with pytest.raises(MaskwrightError, match=r"server refused .*model\.pth \(404 Not Found\)"):
        download(served.url, target, sha256_prefix=HASH)


def test_a_folder_that_may_not_be_written_is_told(served: Served, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable, match="is a file, not a folder"):
        download(served.url, tmp_path / "file" / "model.pth", sha256_prefix=HASH)


def test_a_download_that_does_not_fit_is_refused_in_words_and_goes_on_when_it_does(
    on_a_small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = b"model" * 600_000
    with serving(content) as served:
        refusal, kept, there = on_a_small_disk("full_download.py", served.url, hashlib.sha256(content).hexdigest())
    assert "no space left" in refusal
    assert set(kept) == {"model.pth.part", "model.pth.part.json"}
    assert served.asked == [None, f"bytes={kept['model.pth.part']}-"]
    assert there == {"model.pth": len(content)}
