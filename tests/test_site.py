"""The site: it is built without a complaint, and read by a browser, narrow and wide, by day and by night."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import PROGRAM, Chromium
from tests.support.server import REPOSITORY
from tests.support.wait import PATIENCE

pytestmark = pytest.mark.slow

#: Pages with what is difficult: long tables, wide code, pictures.
DIFFICULT = ("", "settings/", "troubleshooting/", "benchmarks/", "architecture/", "api/", "from-uwsgi/")
NARROW = 360
#: The widest element that is not cut off by one with a scrollbar of its own.
TOO_WIDE = """
[...document.querySelectorAll("body *")].filter(each =>
    each.getBoundingClientRect().right > innerWidth + 1
    && getComputedStyle(each).position !== "fixed" && !each.closest(".md-sidebar, .md-search, .md-overlay")
    && !each.closest("pre, .md-typeset__scrollwrap, .highlight, code")
).slice(0, 3).map(each => each.outerHTML.slice(0, 120))
"""
#: How much brighter one colour is than the other (WCAG 2), of the text and what is behind it.
CONTRAST = """
(() => {
    const light = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3).map(each => {
            const part = each / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = light(getComputedStyle(document.body).backgroundColor);
    return ["p", "a", "code", "td"].map(name => document.querySelector(`.md-content ${name}`)).filter(Boolean).map(
        each => {
            const pair = [light(getComputedStyle(each).color), behind].sort((one, other) => other - one);
            return (pair[0] + 0.05) / (pair[1] + 0.05);
        });
})()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site that was built strictly."""
    program = [sys.executable, "-m", "mkdocs"] if importlib.util.find_spec("mkdocs") else [shutil.which("mkdocs") or ""]
    if not program[0]:
        missing = "mkdocs is not installed (the extra `docs`)"
        if os.environ.get("TEST_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [*program, "build", "--strict", "--site-dir", str(folder)], cwd=REPOSITORY, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, timeout=4 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return folder


def pages_of(site: Path) -> list[str]:
    return sorted(path.parent.relative_to(site).as_posix() for path in site.rglob("index.html"))


def test_every_page_of_the_folder_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    menu = set(re.findall(r'href="([\w-]+)/"', start))
    pages = {path.stem for path in (REPOSITORY / "docs").glob("*.md")} - {"index"}
    assert pages | {"contributing", "changelog", "security-policy", "code-of-conduct"} <= menu


def test_nothing_of_it_is_on_another_host(site: Path) -> None:
    foreign = set()
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        # What a browser gets by itself; links that a reader follows may lead anywhere.
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", text):
            foreign.update(re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)', tag))
    assert foreign == set()


def test_files_of_the_repository_are_there_as_text(site: Path) -> None:
    for name in ("examples/nginx.conf", "gunicorn/wire/http1.py", "tests/public_names.py"):
        assert (site / "files" / f"{name}.txt").read_text(encoding="utf-8") == (REPOSITORY / name).read_text("utf-8")


def test_the_examples_are_there_for_who_has_installed_a_wheel(site: Path, tmp_path: Path) -> None:
    archive = site / "files" / "examples.tar.gz"
    assert 'href="../examples.tar.gz"' in (site / "files" / "examples" / "index.html").read_text(encoding="utf-8")
    subprocess.run(["tar", "xf", archive], cwd=tmp_path, check=True)
    found = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    there = (path for path in (REPOSITORY / "examples").rglob("*") if path.is_file())
    wanted = [path for path in there if "__pycache__" not in path.parts]
    assert found == {path.relative_to(REPOSITORY): path.read_bytes() for path in wanted}


@pytest.mark.parametrize("page", ["flask-nginx-systemd", "fastapi-haproxy", "django-alone", "docker", "kubernetes"])
def test_pages_of_the_examples_are_pages(site: Path, page: str) -> None:
    text = (site / page / "index.html").read_text(encoding="utf-8")
    assert 'class="highlight"' in text
    assert f'href="{page}/"' in (site / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if PROGRAM is None:
        pytest.skip("there is no Chromium")
    with Chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def test_every_page_fits_a_telephone_and_complains_of_nothing(site: Path, url: str, browser: Chromium) -> None:
    browser.size(NARROW, 740)
    wide = {}
    for page in pages_of(site):
        if page.startswith("files/") and "examples" not in page:
            continue
        browser.open(f"{url}{page}/" if page != "." else url)
        scrolled = browser.run("document.documentElement.scrollWidth")
        if scrolled > NARROW:
            wide[page] = scrolled, browser.run(TOO_WIDE)
    assert wide == {}
    assert (browser.errors, browser.problems) == ([], [])
    assert {address for address in browser.requests if not address.startswith((url, "data:", "blob:"))} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_by_night(url: str, browser: Chromium, scheme: str) -> None:
    browser.size(1280, 800)
    browser.scheme(scheme)
    for page in DIFFICULT:
        browser.open(url + page)
        wanted = {"light": "default", "dark": "slate"}[scheme]
        browser.wait(f"document.body.dataset.mdColorScheme === {wanted!r}")
        assert min(browser.run(CONTRAST)) >= 4.5, (page, browser.run(CONTRAST))
    assert browser.errors == []


def test_a_setting_is_found_by_its_flag(url: str, browser: Chromium) -> None:
    browser.size(1280, 800)
    browser.open(url)
    browser.wait("document.querySelector('.md-search__input')")
    browser.run("document.querySelector('.md-search__input').focus()")
    browser.type("graceful-timeout")
    browser.wait("document.querySelector('.md-search-result__link[href*=settings]')")
    assert browser.errors == []
