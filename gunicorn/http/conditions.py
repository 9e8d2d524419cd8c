"""Whether a request still stands once the selected representation is known (RFC 9110 section 13)."""

from __future__ import annotations

import re

from .dates import parse_http_date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONDITIONS", "PASSED", "evaluate", "range_stands"]

PASSED = 0
NOT_MODIFIED = 304
PRECONDITION_FAILED = 412

# The fields that make a request a conditional one, as `FieldName.name` has them.
CONDITIONS = ("IF-MATCH", "IF-NONE-MATCH", "IF-UNMODIFIED-SINCE", "IF-MODIFIED-SINCE")

# entity-tag (section 8.8.3).
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*(?:{_TAG}[ \t]*(?:,[ \t,]*|\Z))*\Z").match
_EACH = re.compile(_TAG).findall


def evaluate(fields: Mapping[str, str], etag: str, modified: int) -> int:
    """What the conditions of a GET or HEAD come to, in the order of section 13.2.2: PASSED, 304 or 412.

    `fields`: those of the request, by their names in upper case. `etag`: the strong tag of the representation, with
    its quotes; `modified`: when it was, in seconds since the epoch. A date that is none is no condition.
    """
    if _is_another(fields, etag, modified):
        return PRECONDITION_FAILED
    return NOT_MODIFIED if _is_the_same(fields, etag, modified) else PASSED


def _is_another(fields: Mapping[str, str], etag: str, modified: int) -> bool:
    """Whether the client counts on another representation than this one (steps 1 and 2 of the section)."""
    if "IF-MATCH" in fields:
        return not _is_listed(fields["IF-MATCH"], etag, strong=True)
    moment = parse_http_date(fields.get("IF-UNMODIFIED-SINCE", ""))
    return moment is not None and modified > moment


def _is_the_same(fields: Mapping[str, str], etag: str, modified: int) -> bool:
    """Whether the client has this representation already (steps 3 and 4)."""
    if "IF-NONE-MATCH" in fields:
        return _is_listed(fields["IF-NONE-MATCH"], etag, strong=False)
    moment = parse_http_date(fields.get("IF-MODIFIED-SINCE", ""))
    return moment is not None and modified <= moment


def range_stands(value: str | None, etag: str, modified: int) -> bool:
    """Whether the ranges of a request are to be heeded, by its If-Range (section 13.1.5); `value` None: it has none.

    Both kinds of validators are compared exactly: a weak tag never matches, and of a date it is asked that it is the
    one that this server has told.
    """
    if value is None:
        return True
    if value.startswith('"'):
        return value == etag
    return parse_http_date(value) == modified


def _is_listed(value: str, etag: str, strong: bool) -> bool:
    """Whether a tag is in a list of them (section 8.8.3.2); a list that is none has none."""
    value = value.strip(" \t")
    if value == "*":
        return True
    if _TAGS(value) is None:
        return False
    tags = _EACH(value)
    return etag in tags or (not strong and "W/" + etag in tags)
