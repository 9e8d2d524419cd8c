"""What the site has besides docs/: a hook of MkDocs.

The pages are written to be read in the repository too, so they link to files beside docs/. Pages that stand elsewhere
in the repository (`PAGES`) become pages of the site; of all else that a page links to the site has a copy: of a file
its text, of a folder a page with what is in it. The examples are there as an archive, too, since somebody who has
installed a wheel has none of them.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "security-policy.md",
    "examples/config/README.md": "example-config.md",
    "examples/django/README.md": "django-alone.md",
    "examples/docker/README.md": "docker.md",
    "examples/haproxy/README.md": "fastapi-haproxy.md",
    "examples/kubernetes/README.md": "kubernetes.md",
    "examples/systemd/README.md": "flask-nginx-systemd.md",
}
"""By its path in the repository, the page of the site that has it, or that takes its place."""

COPIES = "files"
"""The folder of the site for copies."""

ARCHIVE = f"{COPIES}/examples.tar.gz"
"""All examples in one file, with the folder `examples` in it."""

TEXTS = {
    ".py": "python", ".pyx": "cython", ".pxd": "cython", ".md": "markdown", ".conf": "nginx", ".toml": "toml",
    ".json": "json", ".yml": "yaml", ".yaml": "yaml", ".html": "html", ".js": "javascript", ".css": "css", ".c": "c",
    ".service": "ini", ".socket": "ini", ".sh": "bash", ".cfg": "ini", ".tpl": "yaml",
}
"""Which files of a folder its page leads to, by suffix, and in which language they are."""

WHERE_TO_GET = """\
All of them as one file: [examples.tar.gz](../examples.tar.gz). Where it lies, this makes the folder `examples`:

```console
$ tar xf examples.tar.gz
```

"""
"""What the page of all examples begins with."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"(^ *```.*?^ *```$|``.+?``|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Bring along what the pages link to. Called by MkDocs before it reads them."""
    from mkdocs.structure.files import File

    texts = {f"docs/{page.src_uri}": page.content_string for page in files.documentation_pages()}
    for source, page in PAGES.items():
        if page != "index.md":
            texts[source] = (REPOSITORY / source).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=rewritten(texts[source], source, page)))
    files.append(File.generated(config, ARCHIVE, content=archive("examples")))
    wanted = {found for source, text in texts.items() for found in copied(text, source)}
    for target in sorted(wanted | {inside for folder in wanted for inside in listed(folder)}):
        path = REPOSITORY / target
        if path.is_dir():
            files.append(File.generated(config, copy_of(target), content=folder_page(target)))
        elif path.is_file():
            files.append(File.generated(config, copy_of(target), content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of docs/ to what was brought along."""
    source = page.file.src_uri
    # Others are written for the site, or have been led there.
    led = markdown if page.file.generated_by else rewritten(markdown, f"docs/{source}", source)
    # In tables of a repository a bar in code wants a backslash; here it would be shown.
    return re.sub(r"^\|.*\|$", lambda row: re.sub(r"`[^`]*`", _without_escapes, row[0]), led, flags=re.MULTILINE)


def _without_escapes(code: re.Match[str]) -> str:
    return code[0].replace("\\|", "|")


def rewritten(text: str, source: str, page: str) -> str:
    """A text of the repository with the links that it needs as a page of the site."""

    def led(link: re.Match[str]) -> str:
        path, _, anchor = link[1].partition("#")
        if not path or ":" in path:
            return link[0]
        place = os.path.relpath(place_of(target_of(path, source)), PurePosixPath(page).parent)
        return f"]({place}{'#' if anchor else ''}{anchor})"

    return outside_of_code(text, lambda part: _LINK.sub(led, part))


def copied(text: str, source: str) -> Iterator[str]:
    """The paths in the repository of which the site needs a copy, for the links of a text."""
    for link in _LINK.findall(_CODE.sub("", text)):
        path = link.partition("#")[0]
        if path and ":" not in path:
            target = target_of(path, source)
            if not target.startswith("docs/") and target not in PAGES:
                yield target


def target_of(path: str, source: str) -> str:
    """The path in the repository that a link in the file `source` means."""
    return os.path.normpath(PurePosixPath(source).parent / path)


def place_of(target: str) -> str:
    """Where the site has a path of the repository."""
    if target in PAGES:
        return PAGES[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else copy_of(target)


def copy_of(target: str) -> str:
    """The name of a copy: with a suffix that every web server calls text, and every browser shows."""
    return f"{COPIES}/{target}/index.md" if (REPOSITORY / target).is_dir() else f"{COPIES}/{target}.txt"


def is_shown(target: str) -> bool:
    """Whether the page of a folder has the text of its files."""
    return target.startswith("examples/")


def listed(folder: str) -> list[str]:
    """What the page of a folder leads to: its files, where it does not show them; of the examples the folders, too."""
    path = REPOSITORY / folder
    if not path.is_dir() or is_shown(folder):
        return []
    inside = [each for each in path.iterdir() if each.name != "__pycache__"]
    found = [each for each in inside if each.is_file() and each.suffix in TEXTS]
    folders = [each for each in inside if each.is_dir()] if folder == "examples" else []
    return sorted(each.relative_to(REPOSITORY).as_posix() for each in found + folders)


def folder_page(folder: str) -> str:
    """What is in a folder: its files, with their text where they are examples."""
    parts = [f"---\nsearch:\n  exclude: true\n---\n\n# {folder}\n\n"]
    if folder == "examples":
        parts.append(WHERE_TO_GET)
    for target in listed(folder):
        parts.append(f"- [{PurePosixPath(target).name}]({os.path.relpath(copy_of(target), f'{COPIES}/{folder}')})\n")
    if is_shown(folder):
        parts += map(shown, files_below(folder))
    return "".join(parts)


def files_below(folder: str) -> list[Path]:
    """All files of a folder that are not made by running what is in it."""
    found = (path for path in (REPOSITORY / folder).rglob("*") if path.is_file())
    return sorted(path for path in found if "__pycache__" not in path.parts)


def archive(folder: str) -> bytes:
    """A folder as one file, the same octets for the same content."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files_below(folder):
            text = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(REPOSITORY).as_posix())
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return gzip.compress(raw.getvalue(), mtime=0)


def shown(path: Path) -> str:
    """A file of an example, below its name; of one that is a page, where that is."""
    name, language = path.relative_to(REPOSITORY).as_posix(), TEXTS.get(path.suffix, "text")
    if name in PAGES:
        return f"\n## {name}\n\nIs [a page](../../../{PAGES[name]}).\n"
    text = path.read_text(encoding="utf-8")
    fence = "````" if "```" in text else "```"
    return f"\n## {name}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """The text, with what is no code in it changed."""
    return "".join(part if number % 2 else change(part) for number, part in enumerate(_CODE.split(text)))
