"""The manual page of `gunicorn`, in roff, from the same declarations as the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gunicorn import __version__
from gunicorn.config import Setting
from gunicorn.config.reference import by_section, default_of

HEAD = rf"""
.\" Written by generate_settings.py from the declarations in gunicorn/config/sections. Do not edit.
.TH GUNICORN 1 "" "gunicorn {__version__}" "User commands"
.SH NAME
gunicorn \- pre-fork server for Python web applications (WSGI and ASGI)
.SH SYNOPSIS
.B gunicorn
.RI [ OPTIONS ]
.RI [ MODULE [: VARIABLE ]]
.SH DESCRIPTION
Serves the application
.I VARIABLE
of
.IR MODULE ,
by default
.BR application .
A factory is called:
.BR "MODULE:create_app()" .
.PP
A setting comes from its default, the framework, the configuration file, the environment variable
.BI GUNICORN_ NAME\fR,
the flags in
.BR GUNICORN_CMD_ARGS ,
or the command line; where several of them set the same thing, the later in this list wins.
.SH OPTIONS
.TP
.BR \-h ", " \-\-help " [" \fISECTION\fR ]
Show all flags, or the settings of a section.
.TP
.BR \-v ", " \-\-version
Show version and build.
.TP
.BI \-\-completion " SHELL"
Print the completion for a shell.
.TP
.B \-\-print\-schema
Print the JSON schema of
.IR gunicorn.toml .
""".lstrip()

TAIL = r"""
.SH FILES
.TP
.I ./gunicorn.conf.py
The configuration, in Python.
.TP
.I ./gunicorn.toml
The same in TOML; read where the other is not there.
.SH SIGNALS
.TP
.B HUP
Read configuration and code anew, and replace the workers without a gap.
.TP
.BR TERM
Finish what is being answered, then end.
.TP
.BR INT ", " QUIT
End at once.
.TP
.BR TTIN ", " TTOU
One worker more, one less.
.TP
.B USR1
Open the log files anew.
.TP
.B USR2
Start a new master beside this one.
.TP
.B WINCH
End the workers of a daemon; the master stays.
.SH EXIT STATUS
.TP
.B 0
The server ended as it was told to.
.TP
.B 1
A setting is wrong, or the start failed.
.TP
.B 2
The command line is wrong.
.TP
.B 3
No worker could boot.
.TP
.B 4
The application could not be found in its module.
""".lstrip()


def manual(settings: Iterable[type[Setting]]) -> str:
    """The whole page."""
    parts = [HEAD]
    for section, found in by_section(list(settings)).items():
        parts.append(f".SS {escape(section)}\n")
        parts += map(entry, found)
    return "".join([*parts, TAIL])


def entry(setting: type[Setting]) -> str:
    """The paragraph of one setting: its flags or its name, and its description."""
    meta = setting.meta or setting.name.rpartition("_")[2].upper()
    value = "" if setting.action in ("store_true", "store_false", "store_const") else rf" \fI{escape(meta)}\fR"
    if setting.nargs == "?":
        value = f" [{value.strip()}]"
    title = ", ".join(rf"\fB{escape(flag)}\fR" for flag in setting.cli or ()) + value
    if not setting.cli:
        title = rf"\fB{escape(setting.name)}\fR (configuration file)"
    text = "".join(blocks(setting.desc or ""))
    if not setting.section.endswith("Hooks") and setting.action is None:
        text += f".IP\nDefault: {inline(default_of(setting))}.\n"
    return f".TP\n{title}\n{text}"


def blocks(text: str) -> Iterator[str]:
    """The paragraphs, tables and lists of a description."""
    for number, block in enumerate(text.split("\n\n")):
        if number:
            yield ".IP\n"
        lines = block.split("\n")
        if lines[0].startswith("|"):
            yield table(lines)
        elif lines[0].startswith("- "):
            yield "\n.br\n".join(map(inline, lines)) + "\n"
        else:
            yield f"{inline(' '.join(lines))}\n"


def table(lines: list[str]) -> str:
    """The rows of a table of Markdown behind its head, one a line."""
    rows = [[inline(cell.strip()) for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    return "\n.br\n".join(": ".join(filter(None, row)) for row in rows) + "\n"


def inline(text: str) -> str:
    """One paragraph: links become their text, code becomes bold."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    parts = plain.split("`")
    made = "".join(rf"\fB{escape(part)}\fR" if place % 2 else escape(part) for place, part in enumerate(parts))
    return made if not made.startswith((".", "'")) else rf"\&{made}"


def escape(text: str) -> str:
    """Text as it is: what roff would take for something of its own is written otherwise."""
    replaced = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    replaced = replaced.replace("'", r"\(aq")
    return "".join(letter if letter.isascii() else rf"\[u{ord(letter):04X}]" for letter in replaced)
