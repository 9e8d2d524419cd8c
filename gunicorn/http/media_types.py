"""The media types of files, by the endings of their names.

A table of our own: what the machine says (`/etc/mime.types`) differs from one to the next, and so would the answers.
"""

from __future__ import annotations

__all__ = ["UNKNOWN", "is_compressible", "media_type"]

UNKNOWN = "application/octet-stream"

_TEXTS = {
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "js": "text/javascript",
    "log": "text/plain",
    "markdown": "text/markdown",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "text": "text/plain",
    "txt": "text/plain",
    "vtt": "text/vtt",
}
# Of these the content says its coding itself, or has none but UTF-8.
_COMPRESSIBLE = {
    "atom": "application/atom+xml",
    "bmp": "image/bmp",
    "eot": "application/vnd.ms-fontobject",
    "geojson": "application/geo+json",
    "ico": "image/x-icon",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "map": "application/json",
    "otf": "font/otf",
    "rss": "application/rss+xml",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "xhtml": "application/xhtml+xml",
    "xml": "text/xml",
}
_OTHERS = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "apng": "image/apng",
    "avif": "image/avif",
    "bz2": "application/x-bzip2",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "heic": "image/heic",
    "jar": "application/java-archive",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "jxl": "image/jxl",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mid": "audio/midi",
    "mkv": "video/matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "ts": "video/mp2t",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xz": "application/x-xz",
    "zip": "application/zip",
    "zst": "application/zstd",
}
_KNOWN = {
    **{ending: f"{kind}; charset=utf-8" for ending, kind in _TEXTS.items()},
    **_COMPRESSIBLE,
    **_OTHERS,
}


def media_type(name: str) -> str:
    """The value of Content-Type for a file of this name."""
    return _KNOWN.get(_ending(name), UNKNOWN)


def is_compressible(name: str) -> bool:
    """Whether such a file is worth compressing, so that somebody may have done it; what nobody knows may be."""
    return _ending(name) not in _OTHERS


def _ending(name: str) -> str:
    before, _, ending = name.rpartition(".")
    return ending.lower() if before else ""
