"""Files of folders as answers (`static`): which file a request means, and what of it is to be sent (RFC 9110).

What is known of a file, and the content of a small one, is remembered for a second: a file that is asked for again and
again is opened once in that time. A larger one is opened for each answer, and must be the one that was looked at.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time

from gunicorn._record import Record
from gunicorn.http.codings import IDENTITY, preferred_coding
from gunicorn.http.conditions import CONDITIONS, evaluate, range_stands
from gunicorn.http.errors import InternalError, Overloaded
from gunicorn.http.media_types import is_compressible, media_type
from gunicorn.http.names import WELL_KNOWN, is_hidden, names_of
from gunicorn.http.ranges import content_range, ranges_of, unsatisfied_range
from gunicorn.http.request import Request
from gunicorn.http.response import REASONS, FieldLine, FieldLines, error_body, http_date
from gunicorn.unix.beneath import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    # Octets, or the first octet and the number of them in the file.
    Part = bytes | tuple[int, int]

__all__ = ["APPLICATION", "Answer", "StaticOptions", "StaticSite"]

# How long what is known of a file counts, in seconds.
FRESH = 1.0
# Files up to this size are kept in memory for that long; the larger ones are sent from where they lie.
SMALL = 16384
# So many paths are remembered, and so many octets of small files, all forms counted.
REMEMBERED = 512
HELD = 1 << 23
# Several ranges of a larger file are put together in memory up to this size. More are sent from where they lie, if they
# are few: each has a descriptor as long as it waits for its client.
GATHERED = 1 << 18
FEW_RANGES = 4
# A file that changes while it is looked at is looked at again so often.
ATTEMPTS = 3

# As a fallback: what no file is found for is the application's.
APPLICATION = "application"
# As a value of Cache-Control: no such field.
OFF = "off"
IMMUTABLE = "public, max-age=31536000, immutable"
# A name with a hash of the content in it, in hexadecimal. One of letters or digits alone is a word, a date, a number.
_HASHED = re.compile(r"(?:^|[.\-_])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}\.").search

# What the files with a compressed content are called besides, in the order of preference.
_SIBLINGS = (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz"))
_WANTED = frozenset([*CONDITIONS, "ACCEPT-ENCODING", "IF-RANGE", "RANGE"])
_CONDITIONS = frozenset(CONDITIONS)
_ALLOW = ("Allow", "GET, HEAD")

# What the kernel says of files that are not there for us, for whatever reason: nobody is to learn which.
_NOT_THERE = frozenset([
    errno.EACCES, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV, errno.ENOENT,
    errno.ENOTDIR, errno.ENXIO, errno.EPERM, errno.ESTALE, errno.EXDEV,
])
_NONE_LEFT = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOMEM])


class StaticOptions(Record):
    """The settings: folders by the path below which their files are (None: the application's), values of Cache-Control
    by paths (`""`: of all others), the name of the file that stands for a folder, and what stands for a file that is
    not there: a path within the folder, APPLICATION or nothing."""

    folders: Mapping[str, str | None]
    cache_control: Mapping[str, str]
    index: str = ""
    fallback: str = ""


class Answer:
    """What is to be sent: `status`, `lines`, and content of `length` octets in `parts`, those of a file from `fd` (-1:
    there is none), which is the receiver's to close."""

    __slots__ = ("fd", "length", "lines", "parts", "status")

    def __init__(self, status: int, lines: list[FieldLine], parts: Sequence[Part]) -> None:
        self.status = f"{status} {REASONS[status]}"
        self.lines = lines
        self.parts = parts
        self.length = sum(len(part) if isinstance(part, bytes) else part[1] for part in parts)
        self.fd = -1


class Mount(Record):
    """The names of a path, and the folder whose files are below it; None: the application is asked."""

    prefix: list[str]
    folder: Folder | None


class File:
    """A file as it was when it was looked at; `content` where it is small."""

    __slots__ = ("content", "etag", "folder", "identity", "lines", "modified", "names", "size", "whole")

    def __init__(self, folder: Folder, names: Sequence[str], status: os.stat_result, content: bytes | None) -> None:
        self.folder = folder
        self.names = names
        self.size = status.st_size
        self.modified = int(status.st_mtime // 1)
        self.identity = identity_of(status)
        self.content = content
        self.etag = ""
        # Of an answer to whoever has nothing of it yet, and that answer.
        self.lines: list[FieldLine] = []
        self.whole: Answer | None = None


class Resource:
    """What a path means until the moment `until`: the forms of one file by their codings, or a folder that is to be
    asked for with a slash behind it (no forms)."""

    __slots__ = ("codings", "forms", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.forms: dict[str, File] = {}
        # Those besides IDENTITY, the best one first.
        self.codings: tuple[str, ...] = ()

    def held(self) -> int:
        """Octets of content in memory."""
        return sum(len(form.content or b"") for form in self.forms.values())


class StaticSite:
    """Knows the files, and what is answered. Several threads may ask it."""

    def __init__(self, options: StaticOptions) -> None:
        self._learn: Callable[[list[str]], FieldLine] = FieldLines().learn
        mounts = [Mount(_prefix(path), Folder(at, FRESH) if at else None) for path, at in options.folders.items()]
        # The longest comes first.
        self._mounts = sorted(mounts, key=lambda mount: -len(mount.prefix))
        self._starts = tuple("/" + "".join(f"{name}/" for name in mount.prefix) for mount in mounts)
        self._roots = frozenset("/" + "/".join(mount.prefix) for mount in mounts)
        rules = [(_prefix(path), value) for path, value in options.cache_control.items() if path]
        self._rules = sorted(rules, key=lambda rule: -len(rule[0]))
        self._cache_control = options.cache_control.get("", OFF)
        self._index = options.index
        self.asks_application = options.fallback == APPLICATION
        self._fallback = [] if self.asks_application else [name for name in options.fallback.split("/") if name]
        self._kept: dict[str, Resource] = {}
        # Octets that came into it since it was empty.
        self._held = 0

    def covers(self, path: str) -> bool:
        """Whether a path, its escapes not read, is one of files; `*` and nothing are none."""
        if "%" in path:
            return self._place(path) is not None
        return path.startswith(self._starts) or path in self._roots

    def decides(self, path: str, now: float) -> bool:
        """Whether a request for this path is answered here, and not by the application. Raises as `answer` does."""
        place = self._place(path)
        if place is None or not self.asks_application:
            return place is not None
        return self._fresh(path, now) is not None or self._look(path, *place, now) is not None

    def answer(self, request: Request, now: float) -> Answer | None:
        """The answer to a request, None where the application is to give it; `now`: seconds of a clock that only goes
        on. Raises `HTTPError` where the system is at an end with its descriptors, its memory or its disk."""
        path = request.path
        for _ in range(ATTEMPTS):
            resource = self._fresh(path, now)
            if resource is None:
                place = self._place(path)
                if place is None:
                    return None
                resource = self._look(path, *place, now)
            if resource is None and self.asks_application:
                return None
            if request.method != "GET" and request.method != "HEAD":
                return self._page(405, [_ALLOW])
            if resource is None:
                return self._page(404)
            answer = self._answer_with(resource, request, now)
            if answer is not None:
                return answer
            # It is another one by now.
            self._kept.pop(path, None)
        return self._page(404)

    # Which file.

    def _place(self, path: str) -> tuple[Mount, list[str | None]] | None:
        """The folder of a path and the names within it; None where there is none."""
        names = names_of(path)
        if names is None:
            return None
        for mount in self._mounts:
            length = len(mount.prefix)
            if names[:length] == mount.prefix:
                return None if mount.folder is None else (mount, names[length:])
        return None

    def _fresh(self, path: str, now: float) -> Resource | None:
        """What a path means, where that has been found a moment ago."""
        kept = self._kept.get(path)
        return kept if kept is not None and now < kept.until else None

    def _look(self, path: str, mount: Mount, names: list[str | None], now: float) -> Resource | None:
        found = self._resource(mount, names, now)
        if found is None and self._fallback and _is_page(names):
            # Whatever is asked for, it is remembered as one.
            path = " ".join(mount.prefix)
            found = self._fresh(path, now) or self._resource(mount, self._fallback, now)
        if found is not None:
            if len(self._kept) >= REMEMBERED or self._held >= HELD:
                self._kept.clear()
                self._held = 0
            self._kept[path] = found
            self._held += found.held()
        return found

    def _resource(self, mount: Mount, asked: Sequence[str | None], now: float) -> Resource | None:
        """The file or folder of these names; None where there is none that is shown."""
        names = self._names_of_file(mount, asked)
        if names is None or mount.folder is None:
            return None
        resource = Resource(now + FRESH)
        file = self._file(mount.folder, names, now)
        if file is not None:
            self._add_forms(resource, mount, file, now)
            return resource
        if list(asked) != names:
            # With a slash it is the index, or nothing.
            return None
        if not self._index or self._file(mount.folder, [*names, self._index], now) is None:
            return None
        return resource

    def _names_of_file(self, mount: Mount, asked: Sequence[str | None]) -> list[str] | None:
        """Which file is meant: with a slash at the end, the index of a folder. None where nothing is shown."""
        names = [name for name in asked if name is not None]
        if len(names) != len(asked):
            return None
        if names and not names[-1]:
            names[-1] = self._index
        if not all(names) or _is_hidden_place(names, at_root=not mount.prefix):
            return None
        return names

    def _add_forms(self, resource: Resource, mount: Mount, file: File, now: float) -> None:
        *way, name = file.names
        forms = {IDENTITY: file}
        if is_compressible(name):
            for coding, ending in _SIBLINGS:
                sibling = self._file(file.folder, [*way, name + ending], now)
                if sibling is not None:
                    forms[coding] = sibling
        resource.forms = forms
        resource.codings = tuple(coding for coding in forms if coding != IDENTITY)
        fields = [("Content-Type", media_type(name))]
        value = self._cache_control_of([*mount.prefix, *file.names])
        if value != OFF:
            fields.append(("Cache-Control", value))
        if resource.codings:
            fields.append(("Vary", "Accept-Encoding"))
        for coding, form in forms.items():
            self._describe(form, coding, fields)

    def _describe(self, file: File, coding: str, fields: list[tuple[str, str]]) -> None:
        """What answers say of a form of a file."""
        own = fields if coding == IDENTITY else [*fields, ("Content-Encoding", coding)]
        file.etag = f'"{file.identity[1]:x}-{file.size:x}{"" if coding == IDENTITY else "-" + coding}"'
        modified = http_date(time.gmtime(file.modified)).decode("ascii")
        file.lines = self._lines([*own, ("Last-Modified", modified), ("ETag", file.etag), ("Accept-Ranges", "bytes")])
        if file.content is not None:
            file.whole = Answer(200, file.lines, [file.content])

    def _cache_control_of(self, names: list[str]) -> str:
        for prefix, value in self._rules:
            if names[:len(prefix)] == prefix:
                return value
        return IMMUTABLE if _HASHED(names[-1]) and self._cache_control != OFF else self._cache_control

    def _file(self, folder: Folder, names: Sequence[str], now: float) -> File | None:
        """A regular file; None where there is none."""
        fd = _opened(folder, names, now)
        if fd < 0:
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return None
            content = os.pread(fd, SMALL + 1, 0) if status.st_size <= SMALL else None
            if content is not None and len(content) != status.st_size:
                # It is being written, or makes its content up as it is read.
                content = None
            return File(folder, names, status, content)
        except OSError as error:
            raise InternalError("a static file cannot be read") from error
        finally:
            os.close(fd)

    # What of it.

    def _answer_with(self, resource: Resource, request: Request, now: float) -> Answer | None:
        """None where the file is not the one any more that was looked at."""
        if not resource.forms:
            query = f"?{request.query}" if request.query else ""
            # A relative reference (RFC 3986 section 4.2): a proxy may have cut off what stands in front. By its dot no
            # name with a colon in it is taken for a scheme.
            name = request.path.rpartition("/")[2]
            return self._page(301, [("Location", f"./{name}/{query}")])
        asked = _asked(request)
        file = _chosen(resource, asked)
        if file is None:
            return self._page(406, [("Vary", "Accept-Encoding")])
        return self._unmet(file, asked) or self._content(file, asked, request.method, now)

    def _unmet(self, file: File, asked: Mapping[str, str]) -> Answer | None:
        """What is answered instead of the content, where a condition wants that; None: nothing."""
        code = 0 if _CONDITIONS.isdisjoint(asked) else evaluate(asked, file.etag, file.modified)
        if code == 304:
            # RFC 9110 section 15.4.5: what a cache is to know, and nothing of the content that is not sent.
            return Answer(304, _without(file, b"Content-"), [])
        return self._page(code) if code else None

    def _content(self, file: File, asked: Mapping[str, str], method: str, now: float) -> Answer | None:
        """The file or the ranges of it that are asked for; None where it is another one by now."""
        # Ranges are defined for GET alone (section 14.2).
        if "RANGE" in asked and method == "GET":
            stands = range_stands(asked.get("IF-RANGE"), file.etag, file.modified)
            ranges = ranges_of(asked["RANGE"], file.size) if stands else None
            if ranges is not None and not _is_too_much(ranges):
                return self._partial(file, ranges, now)
        if file.whole is not None:
            return file.whole
        answer = Answer(200, file.lines, [(0, file.size)])
        return answer if method == "HEAD" else _with_file(answer, file, now)

    def _partial(self, file: File, ranges: list[tuple[int, int]], now: float) -> Answer | None:
        if not ranges:
            return self._page(416, [("Content-Range", unsatisfied_range(file.size))])
        if len(ranges) == 1:
            first, end = ranges[0]
            lines = _without(file, b"Accept-Ranges:")
            lines += self._lines([("Content-Range", content_range(first, end, file.size))])
            return self._filled(Answer(206, lines, [(first, end - first)]), file, now)
        # Section 15.3.7.2; and what no content has in it by chance separates the parts.
        boundary = os.urandom(16).hex()
        kinds = b"".join(line.line for line in file.lines if line.line.startswith(b"Content-Type:"))
        parts: list[Part] = []
        for first, end in ranges:
            head = f"\r\n--{boundary}\r\nContent-Range: {content_range(first, end, file.size)}\r\n"
            parts += [head.encode("ascii") + kinds + b"\r\n", (first, end - first)]
        parts.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
        lines = _without(file, b"Accept-Ranges:", b"Content-Type:")
        lines += self._lines([("Content-Type", f"multipart/byteranges; boundary={boundary}")])
        return self._filled(Answer(206, lines, parts), file, now)

    def _filled(self, answer: Answer, file: File, now: float) -> Answer | None:
        """With the content where that is at hand, or with the file."""
        content = file.content
        if content is not None:
            pieces = [part if isinstance(part, bytes) else content[part[0]:part[0] + part[1]] for part in answer.parts]
            answer.parts = [b"".join(pieces)]
            return answer
        filled = _with_file(answer, file, now)
        several = len(answer.parts) > 1 and answer.length <= GATHERED
        return filled if filled is None or not several else _gathered(filled)

    def _page(self, status: int, fields: Iterable[tuple[str, str]] = ()) -> Answer:
        return Answer(status, self._lines([("Content-Type", "text/html"), *fields]), [error_body(status, "")])

    def _lines(self, fields: Iterable[tuple[str, str]]) -> list[FieldLine]:
        # Not as tuples, which would be remembered: a client may choose what is in them.
        return [self._learn([name, value]) for name, value in fields]


def _chosen(resource: Resource, asked: Mapping[str, str]) -> File | None:
    """The form of a file that the client takes; None where it takes none."""
    if not resource.codings:
        return resource.forms[IDENTITY]
    coding = preferred_coding(asked.get("ACCEPT-ENCODING"), resource.codings)
    return None if coding is None else resource.forms.get(coding)


def _prefix(path: str) -> list[str]:
    return [name for name in path.split("/") if name]


def _is_too_much(ranges: list[tuple[int, int]]) -> bool:
    """Whether all of the content is the answer to a request for many large parts of it (RFC 9110 section 14.2)."""
    return len(ranges) > FEW_RANGES and sum(end - first for first, end in ranges) > GATHERED


def _without(file: File, *names: bytes) -> list[FieldLine]:
    """What is said of a file, without the fields whose lines begin so."""
    return [line for line in file.lines if not line.line.startswith(names)]


def _is_hidden_place(names: list[str], at_root: bool) -> bool:
    """Whether one of the names on the way is one that folders do not show; `at_root`: the way begins there."""
    first = 1 if at_root and names[:1] == [WELL_KNOWN] else 0
    return any(map(is_hidden, names[first:]))


def _is_page(names: list[str | None]) -> bool:
    """Whether a path may be one that a browser shows, and none of a part of a page: the last name has no ending."""
    return None not in names and not any("." in name for name in names[-1:] if name)


def _asked(request: Request) -> dict[str, str]:
    """The fields that have a say in which answer it is; those of one name as one (section 5.3)."""
    found: dict[str, str] = {}
    for field, value in request.fields:
        name = field.name
        if name in _WANTED:
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file is replaced, or written to."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def _opened(folder: Folder, names: Sequence[str], now: float) -> int:
    """A descriptor; -1 where there is nothing for us. Raises `HTTPError`."""
    try:
        return folder.open(names, now)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return -1
        if error.errno in _NONE_LEFT:
            raise Overloaded("no descriptor is left for a static file") from error
        raise InternalError("a static file cannot be opened") from error


def _with_file(answer: Answer, file: File, now: float) -> Answer | None:
    """Where the file is still the one that was looked at; None otherwise."""
    fd = _opened(file.folder, file.names, now)
    if fd >= 0 and identity_of(os.fstat(fd)) == file.identity:
        answer.fd = fd
        return answer
    if fd >= 0:
        os.close(fd)
    return None


def _gathered(answer: Answer) -> Answer | None:
    """With all of its content in memory, and without the file; None where that has become shorter."""
    fd, answer.fd = answer.fd, -1
    try:
        pieces = [part if isinstance(part, bytes) else os.pread(fd, part[1], part[0]) for part in answer.parts]
    finally:
        os.close(fd)
    content = b"".join(pieces)
    answer.parts = [content]
    return answer if len(content) == answer.length else None
