"""The manual pages of `gunicorn` and `gunicornc`, in roff, from the declarations that the programs read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from gunicorn import __version__
from gunicorn.config import Setting
from gunicorn.config.completion import Option
from gunicorn.config.reference import by_section, default_of
from gunicorn.control.commands import Command

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
.SH SEE ALSO
.BR gunicornc (1)
""".lstrip()

CONTROL_HEAD = rf"""
.\" Written by generate_settings.py from the commands in gunicorn/control. Do not edit.
.TH GUNICORNC 1 "" "gunicorn {__version__}" "User commands"
.SH NAME
gunicornc \- look into a running gunicorn and tell it what to do
.SH SYNOPSIS
.B gunicornc
.RI [ OPTIONS ]
.RI [ COMMAND ...]
.SH DESCRIPTION
Talks to the master of a server on its control socket. The words behind the options are one command; without any, a
conversation begins.
.PP
Without
.B \-s
it is the server of this user that runs; where several do, they are listed.
.SH OPTIONS
""".lstrip()

CONTROL_TAIL = r"""
.TP
.B top
A screen that shows the server, new once a second;
.B \-\-once
prints one as text.
.SH EXIT STATUS
.TP
.B 0
It was done.
.TP
.B 1
The command was refused, or no server could be reached; a line on standard error says why.
.TP
.B 2
The command line is wrong.
.SH FILES
.TP
.IR $XDG_RUNTIME_DIR/gunicorn.ctl ", " ~/.gunicorn/gunicorn.ctl
The socket of a server that was given no other one.
.TP
.I ~/.gunicornc_history
The lines of conversations.
.SH EXAMPLES
Wait for up to 30 seconds until new clients may come:
.PP
.RS
.EX
gunicornc wait ready 30
.EE
.RE
.PP
Exchange the code, and know whether it serves:
.PP
.RS
.EX
gunicornc reload \-\-wait && echo served
.EE
.RE
.PP
Draw where the workers of a certain server spend their time:
.PP
.RS
.EX
gunicornc \-s /run/shop/gunicorn.ctl profile all 10 \-o profile.html
.EE
.RE
.SH SEE ALSO
.BR gunicorn (1)
""".lstrip()


def manual(settings: Iterable[type[Setting]]) -> str:
    """The whole page."""
    parts = [HEAD]
    for section, found in by_section(list(settings)).items():
        parts.append(f".SS {escape(section)}\n")
        parts += map(entry, found)
    return "".join([*parts, TAIL])


def control_manual(options: Iterable[Option], commands: Mapping[str, Command]) -> str:
    """The whole page of `gunicornc`."""
    parts = [CONTROL_HEAD]
    for option in options:
        value = rf" \fI{escape(option.meta)}\fR" if option.meta else ""
        flags = ", ".join(rf"\fB{escape(flag)}\fR" for flag in option.flags)
        parts.append(f".TP\n{flags}{value}\n{sentence(option.text)}\n")
    parts.append(".SH COMMANDS\n")
    for name, command in commands.items():
        words = escape((command.usage or name).removeprefix(name))
        parts.append(f".TP\n\\fB{escape(name)}\\fR{words}\n{sentence(command.text)}\n")
    return "".join([*parts, CONTROL_TAIL.lstrip()])


def sentence(text: str) -> str:
    """A line of help as one of prose."""
    return inline(f"{text[:1].upper()}{text[1:]}".rstrip(".") + ".")


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
