"""How urgent a response is to its client (RFC 9218): the `priority` field, and the PRIORITY_UPDATE frame."""

from __future__ import annotations

# As everybody takes it who is told nothing (RFC 9218 section 4.1).
URGENCY = 3

# What an urgency is among the weights of RFC 7540, 1 to 256, where 16 was the usual one.
WEIGHTS = (256, 128, 64, 16, 8, 4, 2, 1)


class Priority:
    """`urgency`: 0, the highest, to 7. `incremental`: a part of the response is of use, so others may have their turn
    in between."""

    __slots__ = ("incremental", "urgency")

    def __init__(self, urgency: int = URGENCY, incremental: bool = False) -> None:
        self.urgency = urgency
        self.incremental = incremental

    def facts(self) -> dict[str, int | bool]:
        """What applications are told: this, and what they know from the priorities of RFC 7540."""
        return {
            "weight": WEIGHTS[self.urgency], "depends_on": 0, "urgency": self.urgency, "incremental": self.incremental,
        }


# A text of more than that has hundreds of members that say nothing; each costs more than reading it.
LONGEST = 256


def parse_priority(text: str, urgency: int = URGENCY, incremental: bool = False) -> Priority:
    """Of a dictionary as RFC 9651 section 3.2 has it: what is not understood counts as not said. `urgency` and
    `incremental` are what holds without it."""
    if len(text) > LONGEST:
        return Priority(urgency, incremental)
    for member in text.split(","):
        # What stands behind a semicolon are parameters, of which there are none here.
        name, _, value = member.partition(";")[0].strip(" \t").partition("=")
        if name == "u" and len(value) == 1 and "0" <= value <= "7":
            urgency = int(value)
        elif name == "i" and value in ("", "?1", "?0"):
            incremental = value != "?0"
    return Priority(urgency, incremental)
