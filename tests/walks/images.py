"""Dockerfiles, as far as the examples go: stages and steps. Built without an engine, by the steps themselves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

#: Instructions that a walk knows how to follow; another one is a fault of the example or of this file.
KNOWN = {
    "RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD", "STOPSIGNAL",
}


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def value(self, name: str) -> str:
        """What the last instruction of that name says. Raises KeyError."""
        return dict(self.steps)[name]

    def words(self, name: str) -> list[str]:
        """The list of a command in its list form, behind what else stands before it; empty where it is another."""
        found = re.search(r"\[.*\]$", self.value(name))
        return [str(word) for word in json.loads(found[0])] if found else []

    def environment(self) -> dict[str, str]:
        """All variables that are set."""
        return {
            name: value
            for instruction, text in self.steps if instruction == "ENV"
            for name, _, value in (word.partition("=") for word in text.split())
        }


@dataclass
class Image:
    """A Dockerfile."""

    stages: list[Stage]

    @classmethod
    def read(cls, path: Path) -> Image:
        """Raises ValueError for what is no instruction that is known."""
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        stages: list[Stage] = []
        for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
            instruction, _, value = line.strip().partition(" ")
            if instruction == "FROM":
                base, _, name = value.partition(" AS ")
                stages.append(Stage(base, name))
            elif instruction in KNOWN:
                stages[-1].steps.append((instruction, value.strip()))
            elif instruction:
                raise ValueError(f"{path.name}: unknown instruction {instruction}")
        return cls(stages)
