"""Scripts that teach shells to complete a command line, made from its parser and the settings."""

from __future__ import annotations

import shlex

from gunicorn._record import Record

from .reference import usual_words
from .validators.resources import validate_chdir
from .validators.scalars import domain_of, validate_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .setting import Setting

__all__ = ["Option", "options_of", "script"]

FILE, FOLDER, TEXT = "file", "folder", "text"

# What a value is, by what the help calls it.
_KINDS = {"FILE": FILE, "FILES": FILE, "CONFIG": FILE, "PATH": FILE, "DIR": FOLDER}
# Numbers are offered where there are so few.
_FEW = 8


class Option(Record):
    """One flag in all its spellings. `kind`: of its value, empty where it has none; `words`: which values there are."""

    flags: tuple[str, ...]
    text: str
    meta: str = ""
    kind: str = ""
    words: tuple[str, ...] = ()
    may_repeat: bool = False
    may_lack_value: bool = False


def options_of(
    parser: ArgumentParser, settings: Mapping[str, Setting], words: Mapping[str, tuple[str, ...]]
) -> list[Option]:
    """The options of `parser`; `words` has the values of those that are no setting, by their long flag."""
    return [_option(action, settings, words) for action in parser._actions if action.option_strings]


def _option(action: Action, settings: Mapping[str, Setting], words: Mapping[str, tuple[str, ...]]) -> Option:
    flags = tuple(action.option_strings)
    setting = settings.get(action.dest)
    # The first sentence; without a default, which help has in brackets.
    text = (setting.short or "").replace("`", "") if setting is not None else (action.help or "").partition(" [")[0]
    text = text.partition(". ")[0].removesuffix(".")
    meta = action.metavar if isinstance(action.metavar, str) else ""
    if action.nargs == 0:
        return Option(flags, text)
    kind = _kind(setting, meta)
    offered = _words(setting) if setting is not None else (*words.get(flags[-1], ()), *(action.choices or ()))
    repeats = setting is not None and setting.action == "append"
    return Option(flags, text, meta, kind, tuple(map(str, offered)), repeats, action.nargs == "?")


def _kind(setting: Setting | None, meta: str) -> str:
    validator = setting.validator if setting is not None else None
    if validator is validate_chdir:
        return FOLDER
    # A path of a URL is none of a file.
    return TEXT if validator is validate_path else _KINDS.get(meta, TEXT)


def _words(setting: Setting) -> tuple[str, ...]:
    domain = domain_of(setting.validator)
    if domain.low is not None and domain.high is not None and domain.high - domain.low < _FEW:
        return tuple(map(str, range(domain.low, domain.high + 1)))
    return domain.words or usual_words(setting)


def script(shell: str, prog: str, options: Sequence[Option], commands: Iterable[str] | None) -> str:
    """The script for `shell`. `commands`: what may stand behind the options, one or two words each; None where that is
    an application, for which the modules of the current folder are offered."""
    return _SCRIPTS[shell](prog, options, _by_first_word(commands))


def _by_first_word(commands: Iterable[str] | None) -> dict[str, list[str]] | None:
    if commands is None:
        return None
    found: dict[str, list[str]] = {}
    for first, _, second in (command.partition(" ") for command in commands):
        found.setdefault(first, []).extend([second] if second else [])
    return found


def _name(prog: str) -> str:
    """The name of a function in a shell."""
    return "_" + "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in prog)


# bash. Also that of macOS, 3.2: without mapfile, and with a compopt that may be missing.

_BASH_ACTIONS = {FILE: "{name}_filenames -f; return", FOLDER: "{name}_filenames -d; return", TEXT: "return"}
_BASH = """\
# Completion for bash: eval "$({prog} --completion bash)"
{name}_words() {{
    COMPREPLY=($(compgen -W "$1" -- "$word"))
}}
{name}_filenames() {{
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -- "$word"))
}}
{name}() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    COMPREPLY=()
    # An equals sign is a word to bash.
    if [[ $word == "=" ]]; then
        word=""
    elif [[ $before == "=" ]]; then
        before="${{COMP_WORDS[COMP_CWORD-2]}}"
    fi
    case "$before" in
{cases}
    esac
    if [[ $word == -* ]]; then
        {name}_words {flags}
        return
    fi
{rest}
}}
complete -F {name} {prog}
"""
_BASH_MODULES = """\
    local file
    [[ $before == ":" ]] && return
    compopt -o nospace 2>/dev/null
    for file in "$word"*.py; do
        [[ -f $file && ${file%.py} != *[.-]* ]] && COMPREPLY+=("${file%.py}")
    done"""


def _bash(prog: str, options: Sequence[Option], commands: Mapping[str, Sequence[str]] | None) -> str:
    name = _name(prog)
    cases: dict[str, list[str]] = {}
    for option in options:
        if option.kind:
            cases.setdefault(_bash_action(option, name), []).extend(option.flags)
    rest = _BASH_MODULES
    if commands is not None:
        for first, seconds in commands.items():
            cases.setdefault(f"{name}_words {_quoted(seconds)}; return", []).append(first)
        rest = f"    {name}_words {_quoted(commands)}"
    return _BASH.format(
        prog=prog,
        name=name,
        cases="\n".join(f"        {'|'.join(words)}) {action} ;;" for action, words in cases.items()),
        flags=_quoted(flag for option in options for flag in option.flags),
        rest=rest,
    )


def _bash_action(option: Option, name: str) -> str:
    action = _BASH_ACTIONS[option.kind].format(name=name)
    if option.words:
        action = f"{name}_words {_quoted(option.words)}; return"
    # Where no value is needed, the next flag may follow.
    return f"[[ $word == -* ]] || {{ {action}; }}" if option.may_lack_value else action


def _quoted(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


# zsh.

_ZSH_ACTIONS = {FILE: "_files", FOLDER: "_files -/", TEXT: " "}
_ZSH = """\
#compdef {prog}
# Completion for zsh: eval "$({prog} --completion zsh)", or as the file {name} in a folder of $fpath.
{name}_operand() {{
{operand}
}}
{name}() {{
    _arguments -s \\
{specs}
        '*: :{name}_operand'
}}
if [[ $funcstack[1] == {name} ]]; then
    {name} "$@"
else
    compdef {name} {prog}
fi
"""
_ZSH_MODULES = """\
    local -a modules=(*.py(N:r))
    modules=(${modules:#*[.-]*})
    compadd -q -S : -a modules"""
_ZSH_COMMANDS = """\
    case $words[CURRENT-1] in
{cases}
        *) compadd - {firsts} ;;
    esac"""


def _zsh(prog: str, options: Sequence[Option], commands: Mapping[str, Sequence[str]] | None) -> str:
    operand = _ZSH_MODULES
    if commands is not None:
        cases = [f"        {first}) compadd - {' '.join(seconds)} ;;" for first, seconds in commands.items()]
        operand = _ZSH_COMMANDS.format(cases="\n".join(cases), firsts=" ".join(commands))
    specs = [f"        {shlex.quote(_zsh_spec(option, flag))} \\" for option in options for flag in option.flags]
    return _ZSH.format(prog=prog, name=_name(prog), operand=operand, specs="\n".join(specs))


def _zsh_spec(option: Option, flag: str) -> str:
    others = "*" if option.may_repeat else f"({' '.join(option.flags)})"
    text = "".join("\\" + letter if letter in "[]:\\" else letter for letter in option.text)
    spec = others + flag
    if not option.kind:
        return f"{spec}[{text}]"
    action = f"({' '.join(option.words)})" if option.words else _ZSH_ACTIONS[option.kind]
    meta = option.meta.replace(":", "\\:") or " "
    value = f"{'::' if option.may_lack_value else ':'}{meta}:{action}"
    return f"{spec}{'=' if flag.startswith('--') else '+'}[{text}]{value}"


# fish.

_FISH_ACTIONS = {FILE: " -r -F", FOLDER: " -x -a '(__fish_complete_directories)'", TEXT: " -x"}
_FISH_MODULES = "string replace -rf '^([^.-]+)\\.py$' '$1' -- *.py"


def _fish(prog: str, options: Sequence[Option], commands: Mapping[str, Sequence[str]] | None) -> str:
    lines = [f"# Completion for fish: {prog} --completion fish | source", f"complete -c {prog} -f"]
    lines += [f"complete -c {prog}{_fish_spec(option)}" for option in options]
    if commands is None:
        lines.append(f"complete -c {prog} -a {_fish_quoted('(' + _FISH_MODULES + ')')}")
    for first, seconds in (commands or {}).items():
        lines.append(f"complete -c {prog} -n __fish_use_subcommand -a {first}")
        if seconds:
            words = _fish_quoted(" ".join(seconds))
            lines.append(f"complete -c {prog} -n '__fish_seen_subcommand_from {first}' -a {words}")
    return "\n".join(lines) + "\n"


def _fish_spec(option: Option) -> str:
    flags = "".join(f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}" for flag in option.flags)
    action = _FISH_ACTIONS[option.kind] if option.kind else ""
    if option.words:
        action = f" -x -a {_fish_quoted(' '.join(option.words))}"
    return f"{flags}{action} -d {_fish_quoted(option.text)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: dict[str, Callable[[str, Sequence[Option], Mapping[str, Sequence[str]] | None], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}
