"""Reads a raw config mapping key by key, noting every problem instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .model import Problem
from .rules import complain, show, suggest, value_rule


@dataclass
class Log:
    """What reading has found: problems in order, and which paths were refused or given."""

    problems: list[Problem] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)

    def refuse(self, path: str, message: str) -> None:
        """Note a problem and that the value at `path` is not to be reasoned about further."""
        self.problems.append(Problem(path, message))
        self.broken.add(path)


class Reader:
    """One object of the config. `take` each known key, then `close` to complain of the rest."""

    def __init__(self, value: Any, path: str, log: Log, silent: bool = False) -> None:
        self.path = path
        self.log = log
        self.known: list[str] = []
        self.silent = silent
        """Inside something that was refused as a whole: what is missing there was never asked for."""
        complaint = complain("object", value) if path else None
        if complaint is not None or not isinstance(value, Mapping):
            log.refuse(path, f"{show(value)} {complaint or 'is not an object'}")
            self.silent = True
            value = {}
        self.values: dict[str, Any] = dict(value)

    def at(self, key: str) -> str:
        """The config path of `key`."""
        name = show(key)
        return f"{self.path}.{name}" if self.path else name

    def take(
        self,
        key: str,
        *rules: str,
        default: Any = None,
        required: str | None = None,
        convert: Callable[[Any], Any] | None = None,
        shown: Callable[[Any], str] = show,
    ) -> Any:
        """The value of `key` if every rule is content with it, else `default`.

        `required` is the sentence to print where the key is missing. An explicit null is a missing key.
        `shown` renders the value for messages, so that one that may hold a secret can be cut.
        """
        self.known.append(key)
        value = self.values.pop(key, None)
        if value is None:
            if required is not None and not self.silent and complain("required", value):
                self.log.refuse(self.at(key), f"missing; {required}")
            return default
        return self.accept(self.at(key), value, *rules, default=default, convert=convert, shown=shown)

    def accept(
        self,
        path: str,
        value: Any,
        *rules: str,
        default: Any = None,
        convert: Callable[[Any], Any] | None = None,
        shown: Callable[[Any], str] = show,
    ) -> Any:
        """`value` if every rule is content with it, else `default`, with the first complaint noted at `path`."""
        self.log.given.add(path)
        for rule in rules:
            complaint = complain(rule, value)
            if complaint is not None:
                self.log.refuse(path, f"{shown(value)} {complaint}")
                return default
        if convert is None:
            return value
        try:
            return convert(value)
        except (ValueError, TypeError):
            return default

    def items(self, key: str, *rules: str, convert: Callable[[Any], Any] | None = None) -> tuple[Any, ...] | None:
        """The list at `key` with each item checked (refused ones left out); None where the key is missing."""
        values = self.take(key, "list")
        if not isinstance(values, list):
            return None
        checked = [
            self.accept(f"{self.at(key)}[{index}]", value, *rules, convert=convert)
            for index, value in enumerate(values)
        ]
        return tuple(value for value in checked if value is not None)

    def pairs(
        self,
        key: str,
        key_rules: Iterable[str],
        value_rules: Iterable[str],
        convert: Callable[[Any], Any] | None = None,
    ) -> dict[str, Any]:
        """The object at `key` as a plain map: every key and every value checked, refused ones left out."""
        values = self.take(key, "object", default={})
        result: dict[str, Any] = {}
        for name, value in values.items() if isinstance(values, Mapping) else ():
            path = f"{self.at(key)}.{show(name)}"
            if self.accept(path, name, "string", *key_rules) is None:
                continue
            checked = self.accept(path, value, *value_rules, convert=convert)
            if checked is not None:
                result[str(name)] = checked
        return result

    def child(self, key: str) -> Reader:
        """A reader of the object at `key`; of an empty one where it is missing."""
        self.known.append(key)
        value = self.values.pop(key, None)
        return Reader({} if value is None else value, self.at(key), self.log, self.silent)

    def shared(self, *reads: Callable[[Reader], object]) -> tuple[object, ...]:
        """What each of `reads` makes of this same object. A key that none of them takes is unknown."""
        found, left = [], [self.values]
        for read in reads:
            each = Reader(self.values, self.path, self.log, self.silent)
            found.append(read(each))
            left.append(each.values)
            self.known += each.known
        self.values = {key: value for key, value in self.values.items() if all(key in values for values in left)}
        return tuple(found)

    def own(self, key: str, read: Callable[[Reader], object] | None) -> object:
        """What `read` makes of the object at `key`, all of whose keys it must take; None: nobody knows its keys."""
        child = self.child(key)
        if read is None:
            return None
        value = read(child)
        child.close()
        return value

    def close(self) -> None:
        """Complain of every key that nobody took."""
        for key in self.values:
            if complain("known-key", key):
                self.log.refuse(self.at(str(key)), f"unknown key; {suggest(str(key), self.known)}")


@value_rule("object")
def _object(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "is not an object; use `key: value` pairs"


@value_rule("required")
def _required(value: Any) -> str | None:
    return "missing" if value is None else None


@value_rule("known-key")
def _known_key(_: Any) -> str | None:
    return "unknown"
