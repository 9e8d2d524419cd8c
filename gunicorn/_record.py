"""Frozen values with named fields, made from their annotations.

What `dataclasses` and `typing.NamedTuple` offer, without compiling source text for every class and without
their imports, which are a tenth of the time that a server needs to start.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, NoReturn, Self, dataclass_transform
else:

    def dataclass_transform(**options):
        return lambda cls: cls


__all__ = ["Record"]


@dataclass_transform(frozen_default=True)
class Record:
    """Base of the values. A subclass has fields, `name: type` or `name: type = default`, and methods.

    Values of one class are equal when their fields are. Raises TypeError for a field that is unknown or missing,
    AttributeError for an attempt to change one.
    """

    _names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._names = tuple(cls.__annotations__)

    def __init__(self, *values: object, **named: object) -> None:
        names = self._names
        fields = dict(zip(names, values, strict=False), **named)
        if len(values) > len(names) or not fields.keys() <= set(names):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(names) or '(none)'}")
        self.__dict__.update(fields)
        for name in names:
            if not hasattr(self, name):
                raise TypeError(f"{type(self).__name__} needs {name}")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        pairs = zip(self._names, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self._names)

    def replaced(self, **changes: object) -> Self:
        """The same with other values for some fields."""
        return type(self)(**{**dict(zip(self._names, self._values(), strict=True)), **changes})
