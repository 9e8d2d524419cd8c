"""Mounts, in process: which place takes a request, and what is no place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gunicorn.config import Config, files, sources
from gunicorn.config.mounts import NOWHERE, Place, Table, bare_host, below, in_order, octets_of, parse_place
from gunicorn.errors import ConfigError

PLACES = [
    "/", "/api", "/api/v2", "/café", "/with space", "host.example/", "host.example/api", "*.example/deep",
    "*.host.example/deep", "[::1]/six",
]

#: Host, path as an environ has it, the place that takes it.
CHOICES = [
    ("a", "/", "/"),
    ("a", "", "/"),
    ("a", "*", "/"),
    ("a", "/api", "/api"),
    ("a", "/api/", "/api"),
    ("a", "/api/x", "/api"),
    ("a", "/api//x", "/api"),
    ("a", "/api/v2", "/api/v2"),
    ("a", "/api/v2x", "/api"),
    # Not on the boundary of a segment, and nothing that a client may mean by it.
    ("a", "/apix", "/"),
    ("a", "/API", "/"),
    ("a", "//api", "/"),
    ("a", "/x/../api", "/"),
    ("a", "/api%2Fv2", "/"),
    ("a", "api", "/"),
    # What was `%2F` is a slash for the application, too.
    ("a", "/api/v2/x", "/api/v2"),
    ("a", "/caf\xc3\xa9/menu", "/café"),
    ("a", "/caf\xe9", "/"),
    ("a", "/with space/x", "/with space"),
    ("host.example", "/", "host.example/"),
    ("HOST.Example:8000", "/api/v2", "host.example/api"),
    ("host.example.", "/api", "host.example/api"),
    ("host.example:", "/x", "host.example/"),
    ("xhost.example", "/api", "/api"),
    ("", "/api", "/api"),
    ("www.example", "/deep", "*.example/deep"),
    ("host.example", "/deep", "host.example/"),
    ("www.host.example", "/deep/er", "*.host.example/deep"),
    ("a.b.host.example", "/deep", "*.host.example/deep"),
    ("example", "/deep", "/"),
    # The host is looked at first, and a path that it does not have is everybody's.
    ("www.example", "/api", "/api"),
    ("[::1]:8000", "/six", "[::1]/six"),
    ("[::1]", "/six", "[::1]/six"),
    ("[::2]", "/six", "/"),
]


def table_of(places: list[str], octets: bool) -> Table:
    parsed = [parse_place(text) for text in places]
    ranks = {number: rank for rank, number in enumerate(in_order(parsed))}
    return Table([(ranks[number], place) for number, place in enumerate(parsed)], octets)


def found_by(places: list[str], host: str, path: str, octets: bool = True) -> str | None:
    parsed = [parse_place(text) for text in places]
    rank = table_of(places, octets).find(host, path)
    return None if rank == NOWHERE else places[in_order(parsed)[rank]]


@pytest.mark.parametrize(("host", "path", "place"), CHOICES)
def test_the_most_specific_place_takes_it(host: str, path: str, place: str) -> None:
    assert found_by(PLACES, host, path) == place
    assert found_by(PLACES[::-1], host, path) == place, "the order in which they are given says nothing"
    text = path.encode("latin-1").decode(errors="replace")
    assert found_by(PLACES, host, text, octets=False) == place, "as a scope has the path"


@pytest.mark.parametrize(("host", "path"), [("a", "/"), ("a", "/apix"), ("b", "/b"), ("", "")])
def test_there_may_be_no_place(host: str, path: str) -> None:
    assert found_by(["/api", "a/b"], host, path) is None


SEGMENTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/%?#."), min_size=1, max_size=4)
PREFIXES = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(PREFIXES, min_size=1, max_size=5, unique=True), PREFIXES)
def test_a_place_is_the_longest_beginning_of_whole_segments(prefixes: list[str], path: str) -> None:
    parts = path.split("/")
    beginnings = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    longest = next((beginning for beginning in beginnings if beginning in prefixes), None)
    assert found_by(prefixes, "any", octets_of(path)) == longest
    assert found_by(prefixes, "any", path, octets=False) == longest


@pytest.mark.parametrize(("written", "place"), [
    ("/api/", Place("", "/api")),
    ("/", Place()),
    ("Host.Example/", Place("host.example", "")),
    ("*.example/a/b", Place(".example", "/a/b")),
    ("[2001:DB8::1]/a", Place("[2001:db8::1]", "/a")),
])
def test_how_places_are_written(written: str, place: Place) -> None:
    assert parse_place(written) == place
    assert parse_place(str(place)) == place


@pytest.mark.parametrize(("path", "root", "rest"), [
    ("/site/a", "/site", "/a"), ("/site", "/site", ""), ("/sitea", "/site", "/sitea"), ("/a", "", "/a"),
])
def test_below_a_root(path: str, root: str, rest: str) -> None:
    assert below(path, root) == rest


@pytest.mark.parametrize(("field", "host"), [
    ("A.example:80", "a.example"), ("a", "a"), ("a.", "a"), ("[::1]", "[::1]"), ("[::1]:1", "[::1]"), ("a:b", "a:b"),
])
def test_hosts_without_ports(field: str, host: str) -> None:
    assert bare_host(field) == host


MEANT = {"/a": "x:app", "b/c": "y:make(z=1)"}


@pytest.mark.parametrize("given_as", [
    MEANT, ["/a=x:app", "b/c/ = y:make(z=1)"], {"/a/": " x:app", "B/c": "y:make(z=1)"},
])
def test_forms_in_a_file(given_as: object) -> None:
    cfg = Config()
    sources.apply_mapping(cfg, {"mount": given_as}, "file")
    assert cfg.mount == MEANT


@pytest.mark.parametrize("text", ["/a=x:app b/c=y:make(z=1)", json.dumps(MEANT)])
def test_forms_in_the_environment(text: str) -> None:
    cfg = Config()
    sources.apply_variables(cfg, {"GUNICORN_MOUNT": text})
    assert cfg.mount == MEANT


def test_forms_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "gunicorn.toml"
    file.write_text('[mount]\n"/a" = "x:app"\n"b/c" = "y:make(z=1)"\n')
    cfg = Config()
    sources.apply_mapping(cfg, files.read_file(str(file)), str(file))
    assert cfg.mount == MEANT


WRONG: list[tuple[Any, str]] = [
    (["/a"], "'/a': expected /PREFIX=MODULE:VARIABLE or HOST/PREFIX=MODULE:VARIABLE"),
    (["a=x:app"], "'a': a prefix begins with a slash"),
    (["=x:app"], "'': a prefix begins with a slash"),
    (["/a="], "'/a': no application is named: expected MODULE:VARIABLE"),
    (["/a=x", "/a/=y"], "'/a' is there twice, for 'x' and 'y'"),
    (["a:80/b=x"], "'a:80' is no host: write a/b, the port does not count"),
    (["a b/c=x"], "'a b' is no host"),
    (["*/c=x"], "'*' is no host: expected a name such as host.example"),
    (["/a//b=x"], "expected one without"),
    (["/a/../b=x"], "expected one without"),
    (["/a%20b=x"], "without percent-encoding"),
    (["/a?b=x"], "without percent-encoding and query"),
    (["/a\tb=x"], "without percent-encoding"),
    ({"/a": len}, "expected texts, /PREFIX and MODULE:VARIABLE"),
    (5, "expected a list of texts, not int"),
]


@pytest.mark.parametrize(("value", "problem"), WRONG)
def test_what_is_no_mount(value: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sources.apply_mapping(Config(), {"mount": value}, "file")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
