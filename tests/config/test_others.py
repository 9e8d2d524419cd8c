"""Settings of other servers, and what is said of them."""

from __future__ import annotations

import pytest

from gunicorn.config import KNOWN_SETTINGS, Config, others

SETTINGS = {setting.name: setting for setting in KNOWN_SETTINGS}


def test_what_is_meant_is_a_setting_and_its_form_a_value_that_it_takes() -> None:
    forms = {"HOST:PORT": "127.0.0.1:80", "PATH": __file__, "PATTERN": "*.py", "NAME:VALUE": "A: b", "N": "3"}
    for names in others._SETTINGS.values():
        for meant in names.values():
            name, _, form = meant.partition(" ")
            assert name in SETTINGS
            if form:
                for word, value in forms.items():
                    form = form.replace(word, value) if form != "NAME:VALUE" or word == form else form
                SETTINGS[name]().set(form)


def test_what_is_a_setting_of_ours_is_no_foreign_one() -> None:
    tables = [*others._SETTINGS.values(), *others._REMARKS.values()]
    assert {name for names in tables for name in names} & SETTINGS.keys() <= {"pidfile"}


def test_every_remark_is_of_a_server_that_there_is() -> None:
    assert others._REMARKS.keys() | set(others._PREFIXES.values()) <= others._SETTINGS.keys()


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--host", "did you mean --bind HOST:PORT?"),
        ("--port=8000", "did you mean --bind HOST:PORT?"),
        ("--http", "did you mean --http-parser, --http-protocols or --bind HOST:PORT?"),
        ("--timeout-keep-alive", "did you mean --keep-alive?"),
        ("--harakiri", "did you mean --request-timeout?"),
        ("--alpn-protocols", "did you mean --http-protocols?"),
        ("--workers-max-rss", "did you mean --max-worker-memory?"),
        ("--trusted-proxy", "did you mean --forwarded-allow-ips?"),
        ("--wsgi-file", "did you mean the application as MODULE:VARIABLE?"),
        ("--access-log", "did you mean --access-logfile - or --access-logfile?"),
        ("--master", "known to uWSGI: there is always a master"),
        ("--factory", "known to uvicorn and granian: name the factory as MODULE:create_app()"),
        ("--wokers", "did you mean --workers?"),
        ("--qqqq", "see gunicorn --help"),
    ],
)
def test_a_flag(capsys: pytest.CaptureFixture[str], flag: str, hint: str) -> None:
    with pytest.raises(SystemExit) as done:
        Config(prog="gunicorn").parser().parse_args([flag, "x"])
    assert done.value.code == 2
    told = capsys.readouterr().err
    assert told.endswith(f" ({hint})\n")
    assert told.count("\n") == 1


def test_an_abbreviation_that_nobody_else_knows_gets_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Config(prog="gunicorn").parser().parse_args(["--max", "x"])
    assert "(" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "lines"),
    [
        ({"UVICORN_PORT": "80", "UVICORN_NOPE": "1", "PATH": "/bin", "UVICORN_WORKERS": "2"},
         ["environment variable UVICORN_PORT has no effect, known to uvicorn: here it is bind = 'HOST:PORT'"]),
        ({"UWSGI_HTTP": ":80"},
         ["environment variable UWSGI_HTTP has no effect, known to uWSGI: here it is bind = 'HOST:PORT'"]),
        ({"GRANIAN_INTERFACE": "asgi", "GRANIAN_HTTP": "", "UVICORN": "x"},
         ["environment variable GRANIAN_INTERFACE has no effect, known to granian: ASGI and WSGI applications are told "
          "apart"]),
    ],
)
def test_variables(environ: dict[str, str], lines: list[str]) -> None:
    assert others.variable_hints(environ) == lines
