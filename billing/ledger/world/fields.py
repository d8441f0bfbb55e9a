"""Reading JSON by declared fields: each says what it accepts, and the same declaration makes the JSON Schema."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.core.money import EXACT

# A default that does not exist: the field must be given.
REQUIRED: Any = object()
MOST_FAULTS = 50
DECIMAL_TEXT = r"-?[0-9]{1,15}(\.[0-9]{1,12})?"
INSTANT_TEXT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: `segments[3].requests.cpu`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'world'}: {self.message}"


@dataclass(slots=True)
class Faults:
    """The faults found so far, at most `MOST_FAULTS`."""

    found: list[Fault] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Note a fault."""
        if len(self.found) < MOST_FAULTS:
            self.found.append(Fault(path, message))


@dataclass(frozen=True, slots=True)
class NotFinite:
    """NaN or an infinity, which JSON has no word for but many writers print."""

    text: str


Read = Callable[[Any, str, Faults], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A member of an object. `read` returns None after it has noted a fault."""

    name: str
    doc: str
    read: Read
    schema: Mapping[str, Any]
    default: Any = REQUIRED


def text(name: str, doc: str, *, default: Any = REQUIRED, null: bool = False) -> Field:
    """Declare a text of 1 to 253 characters (an empty one only as default)."""

    def read(value: Any, path: str, faults: Faults) -> str | None:
        if value is None and null:
            return None
        if not isinstance(value, str):
            faults.add(path, "not a text")
        elif not value and default is REQUIRED:
            faults.add(path, "empty")
        elif len(value) > 253:
            faults.add(path, "longer than 253 characters")
        else:
            return value
        return None

    shape: dict[str, Any] = {"type": ["string", "null"] if null else "string", "maxLength": 253}
    if default is REQUIRED:
        shape["minLength"] = 1
    return Field(name, doc, read, shape, default)


def choice(name: str, doc: str, words: Sequence[str], *, default: Any = REQUIRED) -> Field:
    """Declare one of a few words."""

    def read(value: Any, path: str, faults: Faults) -> str | None:
        if isinstance(value, str) and value in words:
            return value
        faults.add(path, f"not one of {', '.join(words)}")
        return None

    return Field(name, doc, read, {"enum": list(words)}, default)


def flag(name: str, doc: str) -> Field:
    """Declare a yes or no; no where it is left out."""

    def read(value: Any, path: str, faults: Faults) -> bool | None:
        if isinstance(value, bool):
            return value
        faults.add(path, "neither true nor false")
        return None

    return Field(name, doc, read, {"type": "boolean"}, default=False)


def instant(name: str, doc: str, *, default: Any = REQUIRED, null: bool = False) -> Field:
    """Declare an instant with its offset, in whole seconds; read as UTC."""

    def read(value: Any, path: str, faults: Faults) -> datetime | None:
        if value is None and null:
            return None
        if not isinstance(value, str) or not re.fullmatch(INSTANT_TEXT, value):
            faults.add(path, "not an instant like 2025-03-01T00:00:00Z (whole seconds, with offset)")
            return None
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            faults.add(path, "no such instant")
            return None

    kind: Any = ["string", "null"] if null else "string"
    shape = {"type": kind, "format": "date-time", "pattern": f"^{INSTANT_TEXT}$"}
    return Field(name, doc, read, shape, default)


def amount(
    name: str, doc: str, unit: str, *, default: Any = REQUIRED, positive: bool = False, most: int = 10**12
) -> Field:
    """Declare an exact decimal that is not negative, of at most twelve places; a JSON number or a text."""

    def read(value: Any, path: str, faults: Faults) -> Decimal | None:
        return _decimal(value, path, faults, places=12, positive=positive, most=most)

    return Field(name, doc, read, _number_schema(unit, positive=positive, most=most), default)


def scaled(
    name: str, doc: str, unit: str, *, places: int = 0, default: Any = REQUIRED, positive: bool = False, most: int
) -> Field:
    """Declare a decimal of at most `places` places, read as a whole number of its smallest parts."""

    def read(value: Any, path: str, faults: Faults) -> int | None:
        number = _decimal(value, path, faults, places=places, positive=positive, most=most)
        return None if number is None else int(number.scaleb(places))

    schema = _number_schema(unit, positive=positive, most=most)
    if places == 0:
        schema = {**schema, "type": ["integer", "string"], "pattern": "^[0-9]{1,18}$"}
    return Field(name, doc, read, schema, default)


def struct(name: str, doc: str, members: Sequence[Field], *, default: Any = REQUIRED) -> Field:
    """Declare an object; read as a dict with every default filled in."""

    def read(value: Any, path: str, faults: Faults) -> dict[str, Any] | None:
        return read_members(members, value, path, faults)

    return Field(name, doc, read, object_schema(members), default)


def array(name: str, doc: str, item: Field, *, default: Any = REQUIRED, least: int = 0) -> Field:
    """Declare a list. Entries that are faulty come back as None."""

    def read(value: Any, path: str, faults: Faults) -> list[Any] | None:
        if not isinstance(value, list):
            faults.add(path, "not a list")
            return None
        if len(value) < least:
            faults.add(path, f"needs at least {least}")
        return [item.read(entry, f"{path}[{index}]", faults) for index, entry in enumerate(value)]

    return Field(name, doc, read, {"type": "array", "items": described(item), "minItems": least}, default)


def read_members(members: Sequence[Field], value: Any, path: str, faults: Faults) -> dict[str, Any] | None:
    """Read an object by its declared members; None when anything in it is faulty."""
    if not isinstance(value, dict):
        faults.add(path, "not an object")
        return None
    before = len(faults.found)
    names = [member.name for member in members]
    for given in value:
        if given not in names:
            close = difflib.get_close_matches(given, names, 1)
            faults.add(_joined(path, given), f"unknown; meant is {close[0]}?" if close else "unknown")
    read: dict[str, Any] = {}
    for member in members:
        if member.name in value:
            read[member.name] = member.read(value[member.name], _joined(path, member.name), faults)
        elif member.default is REQUIRED:
            faults.add(_joined(path, member.name), "missing")
        else:
            read[member.name] = member.default
    return read if len(faults.found) == before else None


def object_schema(members: Sequence[Field]) -> dict[str, Any]:
    """Return the JSON Schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": {member.name: described(member) for member in members},
        "required": [member.name for member in members if member.default is REQUIRED],
        "additionalProperties": False,
    }


def described(member: Field) -> dict[str, Any]:
    """Return the JSON Schema of a member, with its description and its default."""
    shape = {"description": member.doc, **member.schema}
    if isinstance(member.default, str | bool | int) and member.default != "":
        shape["default"] = member.default
    return shape


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _number_schema(unit: str, *, positive: bool, most: int) -> dict[str, Any]:
    return {
        "type": ["number", "string"],
        "exclusiveMinimum" if positive else "minimum": 0,
        "maximum": most,
        "pattern": "^[0-9]{1,15}(\\.[0-9]{1,12})?$",
        "x-unit": unit,
    }


def _decimal(value: Any, path: str, faults: Faults, *, places: int, positive: bool, most: int) -> Decimal | None:
    """Read a number exactly; every fault names what is wrong with it."""
    number = _as_decimal(value)
    if number is None:
        faults.add(path, f"{value.text} is not a number" if isinstance(value, NotFinite) else "not a number")
        return None
    wrong = _out_of_bounds(number, places=places, positive=positive, most=most)
    if wrong:
        faults.add(path, wrong)
        return None
    return number


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and re.fullmatch(DECIMAL_TEXT, value):
        return Decimal(value)
    return None


def _out_of_bounds(number: Decimal, *, places: int, positive: bool, most: int) -> str:
    if number < 0:
        return "negative"
    if positive and number == 0:
        return "must be more than 0"
    if number > most:
        return f"more than {most}"
    if number != number.quantize(Decimal(1).scaleb(-places), context=EXACT):
        return f"more than {places} decimal places" if places else "not a whole number"
    return ""
