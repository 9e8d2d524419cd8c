"""Writes what is said of the settings from their declarations: ``python docs/generate_settings.py``.

With ``--check`` nothing is written; the exit status is 1 when a file is not what would be written.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

DOCS = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))

from manual import control_manual, manual  # noqa: E402
from option_tables import PAGES, with_table  # noqa: E402
from setting_notes import flag_example, since, toml_example  # noqa: E402

from gunicorn.config import KNOWN_SETTINGS, Setting, make_settings  # noqa: E402
from gunicorn.config.completion import options_of  # noqa: E402
from gunicorn.config.pending import PENDING  # noqa: E402
from gunicorn.config.reference import by_section, default_of  # noqa: E402
from gunicorn.config.schema import schema_text  # noqa: E402
from gunicorn.config.validators.lists import validate_dict  # noqa: E402
from gunicorn.config.validators.scalars import validate_bool  # noqa: E402
from gunicorn.config.validators.texts import text_parser  # noqa: E402
from gunicorn.control.cli import make_parser  # noqa: E402
from gunicorn.control.commands import COMMANDS  # noqa: E402

HEAD = """\
# Settings

<!-- Written by generate_settings.py from the declarations in gunicorn/config/sections. Do not edit. -->

Every setting can be given in a configuration file and, in upper case behind `GUNICORN_`, as an environment
variable; most have flags. Where several sources set the same thing, the later in this list wins:

1. the default, or a traditional environment variable (`PORT`, `WEB_CONCURRENCY`, `FORWARDED_ALLOW_IPS`,
   `SENDFILE`)
2. what a framework or an embedding program sets
3. the configuration file
4. environment variables of the settings, such as `GUNICORN_WORKERS=4`
5. the environment variable `GUNICORN_CMD_ARGS`, which holds flags: `GUNICORN_CMD_ARGS="--workers 4 --reload"`
6. the command line

`gunicorn --print-config APP` shows every value with the source it came from, `--check-config` only whether
everything is right. A wrong value is reported in one line, with its source, and ends the server with status 1; an
unknown flag with status 2.

## Values in environment variables

| kind | form |
| --- | --- |
| yes or no | `true`, `1`, `yes`, `on` and `false`, `0`, `no`, `off` |
| list | commas or spaces between the values, quotes as in a shell: `GUNICORN_BIND="127.0.0.1:80,[::1]:80"` |
| mapping | a JSON object |
| function | `module:function` |
| everything else | the value as it is |

An empty variable is the same as none. `GUNICORN_CMD_ARGS`, `GUNICORN_FD`, `GUNICORN_PID`, `GUNICORN_PURE` and what
Kubernetes sets for a service of that name are not settings; other names that mean nothing are warned about.

## Configuration files

A Python file is executed, and its variables that bear the name of a setting count:

```python
import multiprocessing

bind = "unix:/run/app.sock"
workers = multiprocessing.cpu_count() * 2


def post_fork(server, worker):
    server.log.info("worker %s is here", worker.pid)
```

A TOML file says the same in data; hooks are named. In `pyproject.toml` the table is `[tool.gunicorn]`, and
the file is read only when it is named with `--config`:

```toml
bind = ["unix:/run/app.sock"]
workers = 4
post_fork = "app.hooks:post_fork"
```

A name that is close to that of a setting gets a warning that suggests it. The comment `#:schema` and the path of what
`gunicorn --print-schema` prints, in the first line, has editors complete and check the file.
"""


def write() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for section, settings in by_section(KNOWN_SETTINGS).items():
        parts.append(f"\n## {section}\n")
        parts += map(entry, settings)
    return "".join(parts)


def entry(setting: type[Setting]) -> str:
    """Return the paragraph of one setting."""
    lines = [f"\n### `{setting.name}`\n"]
    lines.append(" · ".join(facts(setting)) + "\n")
    lines.append(examples(setting) + "\n")
    lines.append((setting.desc or "") + "\n")
    if setting.name in PENDING:
        lines.append(f"*No effect yet: {PENDING[setting.name]}.*\n")
    return "\n".join(lines)


def facts(setting: type[Setting]) -> list[str]:
    """Return how the setting is given, and what it is when it is not."""
    if setting.section.endswith("Hooks"):
        return [f"environment: `GUNICORN_{setting.name.upper()}` (names a function)", f"since: {since(setting)}"]
    flags = ", ".join(f"`{flag}`" for flag in setting.cli or ())
    found = [flags] if flags else ["configuration file only"]
    found.append(f"environment: `GUNICORN_{setting.name.upper()}`{form(setting)}")
    found.append(f"default: {default_of(setting)}")
    found.append(f"since: {since(setting)}")
    return found


def examples(setting: type[Setting]) -> str:
    """Return how it is given on the command line and in TOML, where its name is the key."""
    typed = flag_example(setting)
    return f"Example: {f'`{typed}`, ' if typed else ''}in TOML `{toml_example(setting)}`"


def form(setting: type[Setting]) -> str:
    """Return the kind of text the environment variable takes, where that is not the plain value."""
    if setting.validator is validate_bool:
        return " (yes or no)"
    if setting.validator is validate_dict:
        return " (mapping)"
    return " (list)" if text_parser(setting.validator) else ""


FILES = {
    "settings.md": write,
    "gunicorn.1": lambda: manual(KNOWN_SETTINGS),
    "gunicornc.1": lambda: control_manual(options_of(make_parser(), {}, {}), COMMANDS),
    "gunicorn.schema.json": lambda: schema_text(make_settings().values()),
    **{page: partial(with_table, DOCS / page, server) for page, server in PAGES.items()},
}


def main() -> int:
    """Write the files, or compare."""
    texts = {DOCS / name: make() for name, make in FILES.items()}
    if "--check" in sys.argv[1:]:
        return 0 if all(file.exists() and file.read_text() == text for file, text in texts.items()) else 1
    for file, text in texts.items():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
