"""Which answer a request for a static file gets: on real files, without a server."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from gunicorn.config import Config
from gunicorn.gateway.static_site import APPLICATION, HELD, IMMUTABLE, SMALL, Answer, StaticOptions, StaticSite
from gunicorn.gateway.wiring import site_of as wired
from gunicorn.http.errors import Overloaded
from gunicorn.http.fields import ORDINARY, FieldName
from gunicorn.http.request import Request

MODIFIED = 784111777
LARGE = bytes(range(256)) * 256
CACHE = {"": "no-cache"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    (site / ".well-known").mkdir()
    (site / ".git").mkdir()
    for name, content in {
        "a.css": b"body{}", "large.bin": LARGE, "empty": b"", "index.html": b"<p>site", "sub/index.html": b"<p>sub",
        "sub/x.55e7cbb9ba48.js": b"x", ".env": b"secret", ".git/config": b"secret", ".well-known/a": b"known",
        "a b.txt": b"space", "20260101.pdf": b"pdf", "deadbeef.css": b"word", "main-0123456789abcdef0123.js": b"hash",
    }.items():
        (site / name).write_bytes(content)
        os.utime(site / name, (MODIFIED, MODIFIED))
    (site / "a.css.gz").write_bytes(gzip.compress(b"body{}"))
    (site / "a.css.br").write_bytes(b"brotli")
    (site / "out.txt").symlink_to("../secret.txt")
    (tmp_path / "secret.txt").write_text("secret")
    os.mkfifo(site / "fifo")
    return site


def request(path: str, method: str = "GET", **fields: str) -> Request:
    made = Request()
    made.method = method
    made.path, _, made.query = path.partition("?")
    made.fields = [
        (FieldName(name.replace("_", "-").encode(), ORDINARY, ""), value) for name, value in fields.items()
    ]
    return made


def site_of(folder: Path, *, prefix: str = "/static", index: str = "", fallback: str = "",
            cache: dict[str, str] | None = None, **others: str | None) -> StaticSite:
    folders = {prefix: str(folder), **{f"/{name}": where for name, where in others.items()}}
    return StaticSite(StaticOptions(folders, cache or CACHE, index, fallback))


def fields_of(answer: Answer) -> dict[str, str]:
    return dict(line.pair() for line in answer.lines)


def content_of(answer: Answer) -> bytes:
    """All of its octets; its file is closed."""
    pieces = [part if isinstance(part, bytes) else os.pread(answer.fd, part[1], part[0]) for part in answer.parts]
    found = b"".join(pieces)
    if answer.fd >= 0:
        os.close(answer.fd)
    assert len(found) == answer.length
    return found


def answered(site: StaticSite, path: str, method: str = "GET", now: float = 0.0, **fields: str) -> tuple[int, bytes]:
    answer = site.answer(request(path, method, **fields), now)
    assert answer is not None
    return int(answer.status[:3]), content_of(answer)


@pytest.fixture(autouse=True)
def _no_descriptor_is_left(folder: Path) -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    left = [os.readlink(f"/proc/self/fd/{fd}") for fd in set(os.listdir("/proc/self/fd")) - before
            if os.path.exists(f"/proc/self/fd/{fd}")]
    assert [name for name in left if name != str(folder) and str(folder) in name] == []


def test_a_small_file_and_what_is_said_of_it(folder: Path) -> None:
    answer = site_of(folder).answer(request("/static/a.css"), 0.0)
    assert answer is not None
    assert (answer.status, content_of(answer)) == ("200 OK", b"body{}")
    fields = fields_of(answer)
    etag = fields.pop("ETag")
    assert etag.startswith('"')
    assert etag.endswith('-6"')
    assert fields == {
        "Content-Type": "text/css; charset=utf-8", "Cache-Control": "no-cache", "Vary": "Accept-Encoding",
        "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Accept-Ranges": "bytes",
    }


REFUSED = [
    "/static/nothing", "/static/", "/static", "/static/sub", "/static/sub/", "/static/a.css/", "/static//a.css",
    "/static/.env", "/static/%2eenv", "/static/.git/config", "/static/.well-known/a", "/static/../secret.txt",
    "/static/%2e%2e/secret.txt", "/static/..%2fsecret.txt", "/static/..%5csecret.txt", "/static/sub/../../secret.txt",
    "/static/%252e%252e/secret.txt", "/static/a.css%00", "/static/a.css%00.png", "/static/out.txt", "/static/fifo",
    "/static/" + "x" * 300, "/static/" + "x/" * 3000, "/static/%c0%ae%c0%ae/secret.txt", "/static/a.css%0a",
    "/%73tatic/../secret.txt", "/static/./a.css", "/static/sub%2f..%2fa.css",
]


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_not_shown(path: str, folder: Path) -> None:
    site = site_of(folder)
    assert site.covers(path)
    assert answered(site, path)[0] == 404
    assert answered(site, path, "HEAD")[0] == 404


OTHERS = ("/", "/stat", "/statics/a.css", "/x/static/a.css", "*", "", "/static%2fa.css", "//static/a.css")


@pytest.mark.parametrize("path", OTHERS)
def test_other_paths_are_the_applications(path: str, folder: Path) -> None:
    site = site_of(folder)
    assert not site.covers(path)
    assert site.answer(request(path), 0.0) is None


def test_escapes_are_read_once(folder: Path) -> None:
    site = site_of(folder)
    for path in ("/static/a%20b.txt", "/%73tatic/a%20b%2etxt"):
        assert site.covers(path)
        assert answered(site, path) == (200, b"space")


def test_the_root_shows_what_is_well_known(folder: Path) -> None:
    site = site_of(folder, prefix="/")
    assert answered(site, "/.well-known/a") == (200, b"known")
    assert answered(site, "/sub/.well-known/a")[0] == answered(site, "/.env")[0] == 404
    assert not site.covers("*")


def test_the_longest_path_counts_and_one_may_be_the_applications(folder: Path) -> None:
    site = site_of(folder, prefix="/", sub=str(folder.parent), api=None)
    assert answered(site, "/sub/secret.txt") == (200, b"secret")
    assert answered(site, "/a.css")[0] == 200
    assert answered(site, "/apis")[0] == 404
    for path in ("/api", "/api/", "/api/a.css", "/%61pi/x"):
        assert site.answer(request(path), 0.0) is None, path
        assert not site.decides(path, 0.0)
    assert site.decides("/a.css", 0.0)
    assert not site_of(folder, fallback=APPLICATION).decides("/static/nothing", 0.0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"])
def test_other_methods(method: str, folder: Path) -> None:
    for path in ("/static/a.css", "/static/nothing"):
        answer = site_of(folder).answer(request(path, method), 0.0)
        assert answer is not None
        assert (answer.status, fields_of(answer)["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


def test_an_index(folder: Path) -> None:
    site = site_of(folder, index="index.html")
    assert answered(site, "/static/") == (200, b"<p>site")
    assert answered(site, "/static/sub/") == (200, b"<p>sub")
    assert answered(site, "/static/.git/")[0] == 404
    (folder / "a:b").mkdir()
    (folder / "a:b/index.html").write_bytes(b"<p>colon")
    targets = {
        "/static": "/static/", "/static/sub?a=b": "/static/sub/?a=b", "/static/s%75b": "/static/s%75b/",
        "/static/a:b?//c": "/static/a:b/?//c",
    }
    for path, target in targets.items():
        answer = site.answer(request(path), 0.0)
        assert answer is not None
        assert answer.status[:3] == "301"
        # A proxy may have cut off what is in front.
        for front in ("", "/shop"):
            base = f"http://example.com{front}"
            assert urljoin(base + path, fields_of(answer)["Location"]) == base + target
    assert answered(site_of(folder, prefix="/", index="index.html"), "/") == (200, b"<p>site")


def test_a_fallback_to_a_file(folder: Path) -> None:
    site = site_of(folder, prefix="/", fallback="index.html")
    for path in ("/", "/users/1", "/users/", "/sub"):
        assert answered(site, path) == (200, b"<p>site"), path
    for path in ("/missing.js", "/users/a.b", "/../x", "/%00"):
        assert answered(site, path)[0] == 404, path
    assert answered(site, "/users/1", "POST")[0] == 405
    assert len(site._kept) == 1, "it is remembered once"


def test_a_fallback_to_the_application(folder: Path) -> None:
    site = site_of(folder, prefix="/", fallback=APPLICATION)
    assert answered(site, "/a.css")[0] == 200
    assert answered(site, "/a.css", "POST")[0] == 405
    for method in ("GET", "POST"):
        assert site.answer(request("/users/1", method), 0.0) is None
        assert site.answer(request("/.env", method), 0.0) is None
    # What is answered where no more requests may run.
    assert [site.decides(path, 0.0) for path in ("/a.css", "/users/1", "/.env")] == [True, False, False]
    assert site_of(folder, prefix="/").decides("/users/1", 0.0)


def cache_control(site: StaticSite, path: str) -> str | None:
    answer = site.answer(request(path), 0.0)
    assert answer is not None
    content_of(answer)
    return fields_of(answer).get("Cache-Control")


def test_what_is_remembered_is_bounded(folder: Path) -> None:
    name = "script.js"
    for ending in ("", ".gz", ".br", ".zst"):
        (folder / f"{name}{ending}").write_bytes(bytes(SMALL))
    site = site_of(folder)
    for number in range(200):
        # One file by many names, each read in four forms.
        letters = [f"%{ord(char):02x}" if number >> bit & 1 else char for bit, char in enumerate(name)]
        assert answered(site, f"/static/{''.join(letters)}")[0] == 200
        assert sum(resource.held() for resource in site._kept.values()) <= HELD + 4 * SMALL
    assert len(site._kept) < 200


def test_mounts_within_a_path_of_files_are_asked(folder: Path) -> None:
    cfg = Config()
    cfg.set("static", {"/": str(folder), "/a/files": str(folder), "/own": str(folder)})
    cfg.set("mount", {"/a": "m:a", "/caf\xe9": "m:a", "/own": "m:a", "host.example/b": "m:a"})
    site = wired(cfg)
    asked = {path: site.answer(request(path), 0.0) is None for path in (
        "/a", "/a/x", "/%61/x", "/caf%C3%A9/x", "/ab", "/a/files/a.css", "/own/x", "/b/x", "/a.css",
    )}
    assert [path for path, is_asked in asked.items() if is_asked] == ["/a", "/a/x", "/%61/x", "/caf%C3%A9/x"]


def test_how_long_files_are_kept(folder: Path) -> None:
    site = site_of(folder)
    for path in ("/static/sub/x.55e7cbb9ba48.js", "/static/main-0123456789abcdef0123.js"):
        assert cache_control(site, path) == IMMUTABLE
    for path in ("/static/a.css", "/static/20260101.pdf", "/static/deadbeef.css"):
        assert cache_control(site, path) == "no-cache"
    site = site_of(folder, cache={"": "max-age=60", "/static/sub": "max-age=1", "/static/sub/x": "no"})
    assert cache_control(site, "/static/a.css") == "max-age=60"
    assert cache_control(site, "/static/sub/x.55e7cbb9ba48.js") == "max-age=1"
    assert cache_control(site, "/static/main-0123456789abcdef0123.js") == IMMUTABLE
    site = site_of(folder, cache={"": "off"})
    assert cache_control(site, "/static/a.css") is cache_control(site, "/static/main-0123456789abcdef0123.js") is None


@pytest.mark.parametrize(("value", "coding", "content"), [
    ("gzip", "gzip", None), ("br, gzip", "br", b"brotli"), ("gzip;q=1, br;q=0.1", "gzip", None), ("", None, b"body{}"),
    ("deflate", None, b"body{}"), ("zstd", None, b"body{}"),
])
def test_compressed_siblings(value: str, coding: str | None, content: bytes | None, folder: Path) -> None:
    answer = site_of(folder).answer(request("/static/a.css", Accept_Encoding=value), 0.0)
    assert answer is not None
    fields = fields_of(answer)
    assert fields.get("Content-Encoding") == coding
    assert (fields["Vary"], fields["Content-Type"]) == ("Accept-Encoding", "text/css; charset=utf-8")
    assert content_of(answer) == (gzip.compress(b"body{}") if content is None else content) or coding == "gzip"


def test_forms_have_tags_of_their_own_and_none_may_be_wanted(folder: Path) -> None:
    site = site_of(folder)
    tags = []
    for value in ("", "gzip", "br"):
        answer = site.answer(request("/static/a.css", Accept_Encoding=value), 0.0)
        assert answer is not None
        tags.append(fields_of(answer)["ETag"])
        assert answered(site, "/static/a.css", Accept_Encoding=value, If_None_Match=tags[-1])[0] == 304
    assert len(set(tags)) == 3
    assert answered(site, "/static/a.css", Accept_Encoding="identity;q=0, zstd")[0] == 406
    # Where there is nothing to choose from, nothing is chosen.
    assert answered(site, "/static/empty", Accept_Encoding="identity;q=0")[0] == 200


@pytest.mark.parametrize(("name", "content"), [("a.css", b"body{}"), ("large.bin", LARGE), ("empty", b"")])
def test_conditions_and_ranges(name: str, content: bytes, folder: Path) -> None:
    site, path = site_of(folder), f"/static/{name}"
    whole = site.answer(request(path), 0.0)
    assert whole is not None
    assert content_of(whole) == content
    fields = fields_of(whole)
    etag, date = fields["ETag"], fields["Last-Modified"]
    not_modified = site.answer(request(path, If_None_Match=etag), 0.0)
    assert not_modified is not None
    assert (not_modified.status, not_modified.length) == ("304 Not Modified", 0)
    assert set(fields_of(not_modified)) == set(fields) - {"Content-Type"}
    assert answered(site, path, If_Modified_Since=date)[0] == 304
    assert answered(site, path, If_Match='"x"')[0] == 412
    assert answered(site, path, "HEAD", If_None_Match=etag)[0] == 304
    if not content:
        assert answered(site, path, Range="bytes=0-")[0] == 416
        return
    partial = site.answer(request(path, Range="bytes=1-3"), 0.0)
    assert partial is not None
    assert (partial.status, content_of(partial)) == ("206 Partial Content", content[1:4])
    assert fields_of(partial)["Content-Range"] == f"bytes 1-3/{len(content)}"
    assert answered(site, path, Range="bytes=1-3", If_Range=etag) == (206, content[1:4])
    assert answered(site, path, Range="bytes=1-3", If_Range=date) == (206, content[1:4])
    assert answered(site, path, Range="bytes=1-3", If_Range='"x"') == (200, content)
    assert answered(site, path, Range="lines=1-3") == (200, content)
    outside = site.answer(request(path, Range=f"bytes={len(content)}-"), 0.0)
    assert outside is not None
    content_of(outside)
    assert (outside.status[:3], fields_of(outside)["Content-Range"]) == ("416", f"bytes */{len(content)}")


@pytest.mark.parametrize(("name", "content"), [("a.css", b"body{}"), ("large.bin", LARGE)])
def test_several_ranges(name: str, content: bytes, folder: Path) -> None:
    answer = site_of(folder).answer(request(f"/static/{name}", Range="bytes=0-1,-2"), 0.0)
    assert answer is not None
    kind, _, boundary = fields_of(answer)["Content-Type"].partition("; boundary=")
    assert (answer.status[:3], kind) == ("206", "multipart/byteranges")
    first, one, two, end = content_of(answer).split(f"--{boundary}".encode())
    assert (first, end) == (b"\r\n", b"--\r\n")
    size = len(content)
    for part, place, octets in ((one, "0-1", content[:2]), (two, f"{size - 2}-{size - 1}", content[-2:])):
        head, _, body = part.partition(b"\r\n\r\n")
        assert f"Content-Range: bytes {place}/{size}".encode() in head.splitlines()
        assert body == octets + b"\r\n"


def test_many_ranges_hold_no_descriptors(folder: Path) -> None:
    site = site_of(folder)
    size = 1 << 21
    (folder / "huge.bin").write_bytes(b"h" * size)
    step = size // 20

    def asked(count: int, each: int) -> Answer:
        places = ",".join(f"{step * number}-{step * number + each - 1}" for number in range(count))
        answer = site.answer(request("/static/huge.bin", Range=f"bytes={places}"), 0.0)
        assert answer is not None
        return answer

    few, small, many = asked(4, step), asked(20, 1000), asked(20, step)
    assert (few.status[:3], few.fd >= 0, len(few.parts)) == ("206", True, 9)
    assert (small.status[:3], small.fd, len(small.parts)) == ("206", -1, 1)
    assert (many.status[:3], many.parts) == ("200", [(0, size)])
    for answer in (few, small, many):
        assert content_of(answer).count(b"h") >= 4 * 1000


def test_a_head_opens_no_file(folder: Path) -> None:
    answer = site_of(folder).answer(request("/static/large.bin", "HEAD"), 0.0)
    assert answer is not None
    assert (answer.length, answer.fd) == (len(LARGE), -1)


def test_a_file_that_changes_is_seen(folder: Path) -> None:
    site = site_of(folder)
    assert answered(site, "/static/a.css", now=5.0) == (200, b"body{}")
    (folder / "a.css").write_bytes(b"new")
    assert answered(site, "/static/a.css", now=5.9) == (200, b"body{}")
    assert answered(site, "/static/a.css", now=6.0) == (200, b"new")
    # Whatever is not in memory is the file that was looked at.
    assert answered(site, "/static/large.bin", now=7.0) == (200, LARGE)
    (folder / "large.bin").write_bytes(LARGE * 2)
    assert answered(site, "/static/large.bin", now=7.0) == (200, LARGE * 2)
    (folder / "large.bin").unlink()
    assert answered(site, "/static/large.bin", now=7.0)[0] == 404


def test_a_file_at_the_border_of_small(folder: Path) -> None:
    site = site_of(folder)
    for size in (SMALL - 1, SMALL, SMALL + 1):
        (folder / f"{size}").write_bytes(b"x" * size)
        assert answered(site, f"/static/{size}") == (200, b"x" * size)


def test_no_more_descriptors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(folder)

    def fails(self: object, names: object, now: float) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("gunicorn.unix.beneath.Folder.open", fails)
    with pytest.raises(Overloaded, match="no descriptor"):
        site.answer(request("/static/a.css"), 0.0)


def test_dates_before_the_epoch(folder: Path) -> None:
    os.utime(folder / "a.css", (-1.5, -1.5))
    answer = site_of(folder).answer(request("/static/a.css"), 0.0)
    assert answer is not None
    assert fields_of(answer)["Last-Modified"] == "Wed, 31 Dec 1969 23:59:58 GMT"
    assert time.gmtime(-2)[:6] == (1969, 12, 31, 23, 59, 58)
