"""Files from the internet: whole, or none; what was interrupted goes on where it stopped.

Knows no torch and no checkpoints. Python's own HTTP client does: it follows the system's proxies and certificates.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from engine.errors import MaskwrightError
from engine.files import check_output_folder, explain

CHUNK = 256 * 1024
"""Bytes between two looks at whether it was cancelled: a slow line brings so much in a second."""
PATIENCE = 30.0
"""Seconds without a byte after which the line counts as dead."""
USER_AGENT = "Maskwright"
PARTIAL, BEYOND_END = 206, 416

Progress = Callable[[int, int], None]
"""Called with the bytes that are there, and of how many; 0 where the server does not say."""


class DownloadCancelled(Exception):
    """The person no longer wants the file. Not an error to show; what is there is kept for the next time."""


def download(
    url: str,
    target: Path,
    *,
    sha256_prefix: str,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Fetch a file; `target` is there, whole and checked, when this returns, and untouched where it raises.

    Until then it is `NAME.part` beside `target`, which the next call goes on with where the server's file is still the
    same by its ETag or date.

    Args:
        sha256_prefix: first hexadecimal digits of the file's SHA-256.

    Raises:
        DownloadCancelled: `cancelled()` returned True.
        MaskwrightError: in one message, whatever goes wrong: no network, a refusal, a damaged file, a full disk.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        check_output_folder(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, progress, cancelled)
        _check(part, sha256_prefix, url)
        part.replace(target)
        _note_of(part).unlink(missing_ok=True)
    except urllib.error.HTTPError as error:
        raise MaskwrightError(
            f"The server refused {url} ({error.code} {error.reason}).", remedy="Try again later."
        ) from error
    except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise MaskwrightError(
            f"{_host(url)} cannot be reached ({_words(reason)}).",
            remedy="Check the internet connection, then try again: what is there already is kept.",
        ) from error
    except OSError as error:
        refusal = explain(error, part)
        if refusal is None:
            raise
        raise refusal from error


def _fetch(url: str, part: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    """Bring `part` to its full length."""
    there, seal = _resumable(part)
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    if there:
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", seal)
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if there and error.code == BEYOND_END:  # all of it is there, or it was another file: the checksum tells
            return
        raise
    with response:
        if response.status != PARTIAL:  # a server without ranges, or another file than the time before
            there = 0
        length = response.headers.get("Content-Length")
        total = there + int(length) if length is not None else 0
        _note_of(part).write_text(json.dumps(_seal(response)), encoding="utf-8")
        with part.open("ab" if there else "wb") as file:
            progress(there, total)
            while content := response.read1(CHUNK):
                if cancelled():
                    raise DownloadCancelled
                file.write(content)
                there += len(content)
                progress(there, total)
            file.flush()
            os.fsync(file.fileno())
    if cancelled():
        raise DownloadCancelled
    if there < total:
        raise ConnectionError("the line broke off")


def _resumable(part: Path) -> tuple[int, str]:
    """How many bytes are there, and the seal of the file that they are of; 0 where it cannot be gone on with."""
    try:
        seal = json.loads(_note_of(part).read_text(encoding="utf-8"))
        return (part.stat().st_size, seal) if isinstance(seal, str) and seal else (0, "")
    except (OSError, ValueError):
        return 0, ""


def _seal(response: HTTPResponse) -> str:
    """What names this state of the server's file for If-Range: a strong ETag, else its date."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _note_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _check(part: Path, sha256_prefix: str, url: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(sha256_prefix):
        for path in (part, _note_of(part)):
            path.unlink(missing_ok=True)
        raise MaskwrightError(
            f"What {_host(url)} sent is damaged: its SHA-256 begins with {found[: len(sha256_prefix)]}, not with"
            f" {sha256_prefix}. It was deleted.",
            remedy="Download it again; if that does not help, something on the way changes files, such as a proxy.",
        )


def _host(url: str) -> str:
    return urllib.request.Request(url).host or url


def _words(reason: object) -> str:
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason) or type(reason).__name__
