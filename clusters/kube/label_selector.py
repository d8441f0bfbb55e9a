"""The one selector over labels, in Kubernetes' own syntax: `team=red,tier in (web, api),!frozen,cores > 4`.

The grammar, and what is refused, are those of kube-apiserver (`labels.Parse`); the contract is tested against one.
A negated requirement (`!=`, `notin`) holds for what has no such label, too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

LONGEST = 2_000
_SPECIAL = "=!(),<>"
_OPERATORS = ("==", "=", "!=", "!", "<", ">", "(", ")", ",")
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_LARGEST = 2**63 - 1
END = ""
_LETTERS = "letters, digits, dashes, dots and underscores, and begins and ends with a letter or digit"


class Operator(StrEnum):
    """How a requirement looks at its label."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"
    MORE = ">"
    LESS = "<"


class BadSelector(ValueError):  # noqa: N818 - named as its neighbours in this room
    """`position` counts characters from 1; `found` is the text that stands there, "" for the end."""

    def __init__(self, why: str, *, position: int, found: str) -> None:
        super().__init__(f"character {position}: {why}")
        self.why = why
        self.position = position
        self.found = found


@dataclass(frozen=True, slots=True)
class Requirement:
    """`values` are sorted; empty for EXISTS and ABSENT, one integer for MORE and LESS."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        value = labels.get(self.key)
        if self.operator is Operator.IN:
            return value is not None and value in self.values
        if self.operator is Operator.NOT_IN:
            return value is None or value not in self.values
        if self.operator in (Operator.EXISTS, Operator.ABSENT):
            return (value is not None) == (self.operator is Operator.EXISTS)
        if value is None or not is_integer(value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if self.operator is Operator.MORE else int(value) < bound

    def __str__(self) -> str:
        if self.operator is Operator.EXISTS:
            return self.key
        if self.operator is Operator.ABSENT:
            return f"!{self.key}"
        if self.operator in (Operator.MORE, Operator.LESS):
            return f"{self.key}{self.operator}{self.values[0]}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator is Operator.IN else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements together; none selects everything. `str()` gives it back in a form that reads the same."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def parse(text: str) -> Selector:
    """Read a selector. Raises `BadSelector` at the place of the fault."""
    if len(text) > LONGEST:
        raise BadSelector(f"a selector has at most {LONGEST} characters", position=LONGEST + 1, found="…")
    return Selector(tuple(_Parser(text).requirements()))


def is_integer(text: str) -> bool:
    """Tell whether a text is an integer of 64 bits."""
    return _INTEGER.fullmatch(text) is not None and -_LARGEST - 1 <= int(text) <= _LARGEST


def fault_of_key(key: str) -> str:
    """Return what is wrong with a label's key, "" where nothing is."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _DOMAIN.fullmatch(prefix)):
        return "the part of a key before the slash is a lower-case domain name, such as example.org"
    if not _NAME.fullmatch(name):
        return f"a key has 1 to 63 {_LETTERS}"
    return ""


def fault_of_value(value: str) -> str:
    """Return what is wrong with a label's value, "" where nothing is. The empty value is one."""
    if value and not _NAME.fullmatch(value):
        return f"a value has at most 63 {_LETTERS}"
    return ""


class _Token(NamedTuple):
    """`special` tells the marks of the syntax from words; the end is special and empty. `at` counts from 1."""

    text: str
    at: int
    special: bool


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
            continue
        mark = next((each for each in _OPERATORS if text.startswith(each, at)), "")
        end = at + len(mark)
        while not mark and end < len(text) and text[end] not in _SPECIAL and text[end] not in " \t\r\n":
            end += 1
        found.append(_Token(text[at:end], at + 1, bool(mark)))
        at = end
    return [*found, _Token(END, len(text) + 1, True)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if self._is(END):
            return found
        while True:
            found.append(self._requirement())
            if self._is(END):
                return found
            self._expect(",", "a comma or the end is expected here")

    def _requirement(self) -> Requirement:
        absent = self._take_if("!")
        key = self._word("the key of a label is expected here", fault_of_key)
        if absent:
            return Requirement(key, Operator.ABSENT)
        if self._is(END) or self._is(","):
            return Requirement(key, Operator.EXISTS)
        operator = self._take()
        if not operator.special and operator.text in ("in", "notin"):
            return Requirement(key, Operator(operator.text), self._set())
        if operator.special and operator.text in ("=", "==", "!="):
            wanted = Operator.NOT_IN if operator.text == "!=" else Operator.IN
            return Requirement(key, wanted, (self._value(),))
        if operator.special and operator.text in ("<", ">"):
            return Requirement(key, Operator(operator.text), (self._integer(),))
        raise _fault("one of =, ==, !=, in, notin, <, > is expected here", operator)

    def _set(self) -> tuple[str, ...]:
        self._expect("(", "values in parentheses are expected here, such as (a, b)")
        values = {self._value()}
        while not self._take_if(")"):
            self._expect(",", "a comma or a closing parenthesis is expected here")
            values.add(self._value())
        return tuple(sorted(values))

    def _value(self) -> str:
        """An empty value is written by leaving it out."""
        if self._is(END) or self._is(",") or self._is(")"):
            return ""
        return self._word("a value is expected here", fault_of_value)

    def _integer(self) -> str:
        at = self._next
        value = self._word("an integer is expected here", fault_of_value)
        if not is_integer(value):
            raise _fault("an integer is expected here", self._tokens[at])
        return value

    def _word(self, expected: str, fault: Callable[[str], str]) -> str:
        token = self._take()
        if token.special:
            raise _fault(expected, token)
        if why := fault(token.text):
            raise _fault(why, token)
        return token.text

    def _expect(self, text: str, why: str) -> None:
        if not self._take_if(text):
            raise _fault(why, self._tokens[self._next])

    def _take_if(self, text: str) -> bool:
        if not self._is(text):
            return False
        self._take()
        return True

    def _is(self, text: str) -> bool:
        token = self._tokens[self._next]
        return token.special and token.text == text

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token


def _fault(why: str, token: _Token) -> BadSelector:
    return BadSelector(why, position=token.at, found=token.text)


# As objects carry it


class Expression(msgspec.Struct, gc=False):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class LabelSelector(msgspec.Struct, gc=False, rename="camel"):
    """The selector inside an object: `matchLabels` and `matchExpressions`."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None


_WORDS = {"In": Operator.IN, "NotIn": Operator.NOT_IN, "Exists": Operator.EXISTS, "DoesNotExist": Operator.ABSENT}


def of_object(found: LabelSelector | None) -> str:
    """Write an object's selector in the one syntax, "" for everything. Raises ValueError for an unknown operator."""
    if found is None:
        return ""
    requirements = [
        Requirement(key, Operator.IN, (value,)) for key, value in sorted((found.match_labels or {}).items())
    ]
    for each in found.match_expressions or ():
        if each.operator not in _WORDS:
            raise ValueError(f"{each.operator} is no operator of a selector")
        requirements.append(Requirement(each.key, _WORDS[each.operator], tuple(sorted(set(each.values or ())))))
    return str(Selector(tuple(requirements)))
