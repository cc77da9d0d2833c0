"""The program's own entries in kube-dns's `stubDomains`, a JSON object in one string, other entries byte for byte.

JSON has no comments to mark one's own entries with: the caller says which zones it owns.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from json import JSONDecodeError
from typing import NamedTuple

from .forward_rules import ForwardConflict, ForwardError, Forwards, zone_key

_BLANK = " \t\r\n"


class _Member(NamedTuple):
    key: str
    start: int
    end: int
    value: object


def render(forwards: Forwards) -> str:
    """The entries as canonical JSON: what `own_text` gives once they are written."""
    return json.dumps({zone_key(zone): list(forwards[zone]) for zone in sorted(forwards)})


def merge(text: str | None, owned: Collection[str], forwards: Forwards) -> str:
    """`text` (None or blank: no entries yet) with the owned entries replaced by `forwards`.

    An entry that already says exactly what is asked is taken as one's own: an interrupted run wrote it.
    Raises ForwardConflict when someone else's entry sends one of the zones elsewhere, ForwardError when `text` is no
    JSON object.
    """
    text = text if text and text.strip(_BLANK) else "{}"
    mine = {zone_key(zone) for zone in owned}
    same = {zone for zone in forwards if _value(text, zone) == list(forwards[zone])}
    for zone in forwards:
        if zone_key(zone) not in mine and zone not in same and _value(text, zone) is not None:
            raise ForwardConflict(
                f"stubDomains already sends {zone} to {json.dumps(_value(text, zone))}, not written by this program:"
                " remove that entry, or rename the region"
            )
    wanted = {zone_key(zone) for zone in forwards}
    keep = {zone_key(zone) for zone in same}
    text = _without(text, {zone for zone in mine | wanted if zone not in keep})
    for zone in sorted(forwards):
        if zone not in same:
            text = _with(text, zone, list(forwards[zone]))
    return text


def remove(text: str | None, owned: Collection[str]) -> str | None:
    """`text` without the owned entries; None stays None."""
    if not text or not text.strip(_BLANK):
        return text
    return _without(text, {zone_key(zone) for zone in owned})


def own_text(text: str | None, owned: Collection[str]) -> str:
    """The owned entries as canonical JSON (see `render`): what is really there of what we believe to own."""
    if not text or not text.strip(_BLANK):
        return render({})
    mine = {zone_key(zone) for zone in owned}
    found = {zone_key(member.key): member.value for member in _members(text) if zone_key(member.key) in mine}
    return json.dumps(dict(sorted(found.items())))


def is_empty(text: str | None) -> bool:
    """Whether no entry is left."""
    return not text or not text.strip(_BLANK) or not _members(text)


def _value(text: str, zone: str) -> object | None:
    return next((member.value for member in _members(text) if zone_key(member.key) == zone_key(zone)), None)


def _with(text: str, zone: str, addresses: list[str]) -> str:
    member = f"{json.dumps(zone)}: {json.dumps(addresses)}"
    members = _members(text)
    if not members:
        position = text.index("{") + 1
        return text[:position] + member + text[position:]
    position = members[-1].end
    return f"{text[:position]}, {member}{text[position:]}"


def _without(text: str, zones: Collection[str]) -> str:
    while True:
        members = _members(text)
        index = next((i for i, member in enumerate(members) if zone_key(member.key) in zones), None)
        if index is None:
            return text
        if index > 0:
            start, end = members[index - 1].end, members[index].end
        elif len(members) > 1:
            start, end = members[0].start, members[1].start
        else:
            start, end = members[0].start, members[0].end
        text = text[:start] + text[end:]


def _members(text: str) -> list[_Member]:
    try:
        if not isinstance(json.loads(text), dict):
            raise ForwardError("stubDomains is not a JSON object: repair it by hand, then run again")
    except JSONDecodeError as error:
        raise ForwardError(f"stubDomains is not valid JSON ({error}): repair it by hand, then run again") from error
    decoder = json.JSONDecoder()
    members: list[_Member] = []
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        start = position
        key, position = decoder.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        value, position = decoder.raw_decode(text, position)
        members.append(_Member(key, start, position, value))
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return members


def _skip(text: str, position: int) -> int:
    while text[position] in _BLANK:
        position += 1
    return position
