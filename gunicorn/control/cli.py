"""The program `gunicornc`: one command, or a conversation with a running server.

Exit status 0; 1 for a command that is refused and where no server can be reached; 2 for a command line that is wrong.
"""

from __future__ import annotations

import os
import shlex
import sys

from gunicorn import __version__
from gunicorn.unix.runtime import default_control_socket

from . import profile_writer, tables
from .client import Client, Refused, Unreachable, running_servers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["main", "make_parser"]

PROMPT = "gunicorn> "
HISTORY = "~/.gunicornc_history"
HISTORY_LINES = 1000
BROKEN_PIPE = 141
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run with these arguments, by default those of the process; the exit status."""
    options = make_parser().parse_args(argv)
    problem = _misuse(options)
    if problem:
        _complain(problem)
        return 2
    try:
        return _act(options)
    except (Unreachable, Refused) as error:
        _complain(error)
        return 1
    except BrokenPipeError:
        # Who reads has enough. The interpreter would try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _misuse(options: Namespace) -> str:
    """What is wrong with a command line whose every option is right."""
    if options.words and options.command:
        return "a command is given either by -c or as words"
    if options.once and _command_of(options) != "top":
        return "--once goes with the word `top`"
    return ""


def _command_of(options: Namespace) -> str:
    words = [*options.words[:1], "--wait", *options.words[1:]] if options.wait else options.words
    return options.command or shlex.join(words)


def _act(options: Namespace) -> int:
    """Do what the command line says. Raises Unreachable, Refused."""
    path, command = options.socket or _the_one(), _command_of(options)
    if command == "top":
        # Commands of scripts shall not wait for the import.
        from .top import program

        return program.run(path, options.once, options.json)
    with Client(path) as client:
        return _run(client, command, options) if command else _converse(client, options)


def make_parser() -> ArgumentParser:
    """The options of the program; its manual page is made of them, too."""
    from gunicorn.config.hinting_parser import HintingParser, Printed
    from gunicorn.config.reference import SHELLS

    parser = HintingParser(
        prog="gunicornc",
        description="Look into a running server and tell it what to do.",
        epilog="Without a command a conversation begins; `help` there lists the commands. `top` is a screen that shows "
        "the server.",
    )
    parser.add_argument(
        "-s", "--socket", metavar="PATH",
        help=f"the control socket of the server [{default_control_socket()}, if no other server of this user runs]",
    )
    parser.add_argument("-c", "--command", metavar="COMMAND", help="do this and no more")
    parser.add_argument("-j", "--json", action="store_true", help="print answers as JSON")
    parser.add_argument(
        "-v", "--version", action="version", version=f"%(prog)s (gunicorn {__version__})", help="print the version"
    )
    parser.add_argument(
        "--wait", action="store_true", help="with the word `reload` (and a number of seconds): until it is over"
    )
    parser.add_argument("--once", action="store_true", help="with the word `top`: one screen, as text")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="", help="of `profile`: the file to write, - for the standard output"
    )
    parser.add_argument("--collapsed", action="store_true", help="of `profile`: the text of stacks, and no flame graph")
    parser.add_argument(
        "--completion", action=Printed, text=lambda shell: _completion(shell, parser), choices=SHELLS, metavar="SHELL",
        help=f"print the completion for a shell: {', '.join(SHELLS)}",
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="a command, as with -c")
    return parser


def _completion(shell: str, parser: ArgumentParser) -> str:
    from gunicorn.config.completion import options_of, script

    from .commands import COMMANDS

    return script(shell, parser.prog, options_of(parser, {}, {}), [*COMMANDS, "top"])


def _the_one() -> str:
    """The socket of the only server that runs, or the default one. Raises Unreachable where there are several."""
    found = running_servers()
    if len(found) > 1:
        choices = "".join(f"\n  gunicornc -s {shlex.quote(path)}" for path in found)
        raise Unreachable(f"Several servers are running, choose one:{choices}")
    return found[0] if found else default_control_socket()


def _complain(problem: object) -> None:
    print(f"Error: {problem}", file=sys.stderr)


def _run(client: Client, command: str, options: Namespace) -> int:
    try:
        _say(client, command, options)
    except (Refused, Unwritable) as error:
        _complain(error)
        return 1
    return 0


def _say(client: Client, command: str, options: Namespace) -> None:
    """Send a command and print what it answers. Raises Refused, Unwritable."""
    try:
        words = shlex.split(command)
    except ValueError:
        # The server has the last word about that.
        words = []
    if words and words[0].lower() == "watch":
        for data in client.watch(command):
            print(tables.as_json(data) if options.json else tables.as_text(words, data), flush=True)
    data = client.ask(command)
    if words and words[0].lower() == "profile" and not options.json:
        _write_profile(data, options)
        return
    print(tables.as_json(data) if options.json else tables.as_text(words, data), flush=True)


class Unwritable(Exception):
    """The file for an answer cannot be written."""


def _write_profile(data: dict[str, object], options: Namespace) -> None:
    try:
        lines = profile_writer.write(data, options.output, options.collapsed)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(f"The profile cannot be written: {error}") from error
    # What is written to the standard output has that for itself.
    print("\n".join(lines), file=sys.stderr if options.output == "-" else sys.stdout, flush=True)


# The conversation.


def _converse(client: Client, options: Namespace) -> int:
    """Do what is typed. A connection that the server has closed is made anew."""
    print(f"Connected to {client.path}")
    print("Type 'help' for available commands, 'quit' to exit.\n")
    remember = _history()
    try:
        for line in _lines():
            client = _reply(client, line, options)
            print()
        return 0
    finally:
        remember()
        client.close()


def _lines() -> Iterator[str]:
    """What is typed, until `quit`, `exit` or the end of the input."""
    while True:
        try:
            line = input(PROMPT).strip()
        except EOFError:
            print()
            return
        if line.lower() in ("quit", "exit"):
            return
        if line:
            yield line


def _reply(client: Client, line: str, options: Namespace) -> Client:
    """Print the answer to a line; the connection to go on with. Raises Unreachable when there is none any more."""
    try:
        _say(client, line, options)
    except (Refused, Unwritable) as error:
        print(f"Error: {error}")
    except Unreachable as error:
        print(f"Error: {error}")
        client.close()
        return Client(client.path)
    except KeyboardInterrupt:
        # Out of a `watch` or a wait, and no further.
        client.close()
        return Client(client.path)
    return client


def _history() -> Callable[[], None]:
    """Have the lines of earlier conversations at hand; what is returned keeps those of now, for their owner alone."""
    try:
        import readline
    except ImportError:
        return lambda: None
    path = os.path.expanduser(HISTORY)
    try:
        readline.read_history_file(path)
    except OSError:
        pass
    readline.set_history_length(HISTORY_LINES)

    def keep() -> None:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            os.chmod(path, 0o600)
            readline.write_history_file(path)
        except OSError:
            return

    return keep
