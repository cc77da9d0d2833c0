"""Reads certificate signing requests (PKCS #10), with the standard library only.

Not from the text that `openssl req -text` prints: a name may hold whatever that text uses to tell names apart.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMMON_NAME = "2.5.4.3"
ORGANIZATION = "2.5.4.10"
EC_P256 = ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7")
"""An elliptic curve key, on the curve P-256."""

_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_ALTERNATIVE_NAMES = "2.5.29.17"

_OCTETS, _OID, _SEQUENCE, _SET = 0x04, 0x06, 0x30, 0x31
_ATTRIBUTES = 0xA0
_DNS_NAME, _ADDRESS = 0x82, 0x87


@dataclass(frozen=True)
class Request:
    """What a request asks for."""

    subject: tuple[tuple[str, str], ...]
    """(OID, value) of each part, in order."""
    key: tuple[str, ...]
    """OIDs of the key's algorithm and of its parameters."""
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    others: tuple[str, ...]
    """What else it asks for: extensions by OID, alternative names by the number of their kind."""


def read(pem: str) -> Request:
    """The request in a PEM text. Raises ValueError where it is none."""
    found = re.fullmatch(
        r"\s*-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*", pem
    )
    if not found:
        raise ValueError("not one PEM block of type CERTIFICATE REQUEST")
    (outer,) = _values(base64.b64decode("".join(found[1].split()), validate=True), _SEQUENCE)
    info, *_ = _parts(outer)
    _, subject, key, *attributes = _parts(_expect(info, _SEQUENCE))
    names = _Names()
    for attribute in attributes:
        for one in _values(_expect(attribute, _ATTRIBUTES), _SEQUENCE):
            names.attribute(one)
    return Request(
        subject=tuple(_subject(_expect(subject, _SEQUENCE))),
        key=_key(_expect(key, _SEQUENCE)),
        dns_names=tuple(names.dns),
        addresses=tuple(names.addresses),
        others=tuple(names.others),
    )


class _Names:
    """What the attributes ask for."""

    def __init__(self) -> None:
        self.dns: list[str] = []
        self.addresses: list[str] = []
        self.others: list[str] = []

    def attribute(self, content: bytes) -> None:
        kind, values = _parts(content)
        oid = _oid(_expect(kind, _OID))
        if oid != _EXTENSION_REQUEST:
            self.others.append(oid)
            return
        for extensions in _values(_expect(values, _SET), _SEQUENCE):
            for extension in _values(extensions, _SEQUENCE):
                self._extension(extension)

    def _extension(self, content: bytes) -> None:
        first, *rest = _parts(content)
        oid = _oid(_expect(first, _OID))
        if oid != _ALTERNATIVE_NAMES:
            self.others.append(oid)
            return
        value = _expect(rest[-1], _OCTETS)
        (names,) = _values(value, _SEQUENCE)
        for tag, name in _parts(names):
            if tag == _DNS_NAME:
                self.dns.append(name.decode("ascii"))
            elif tag == _ADDRESS:
                self.addresses.append(str(ipaddress.ip_address(name)))
            else:
                self.others.append(f"alternative name of kind {tag & 0x1F}")


def _subject(content: bytes) -> Iterator[tuple[str, str]]:
    for part in _values(content, _SET):
        for attribute in _values(part, _SEQUENCE):
            kind, (_, value) = _parts(attribute)
            yield _oid(_expect(kind, _OID)), value.decode("utf-8")


def _key(content: bytes) -> tuple[str, ...]:
    algorithm, _ = _parts(content)
    return tuple(_oid(value) for tag, value in _parts(_expect(algorithm, _SEQUENCE)) if tag == _OID)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of each DER element. Raises ValueError."""
    found, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("DER: cut off")
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        if at + length > len(data):
            raise ValueError("DER: cut off")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _values(data: bytes, tag: int) -> list[bytes]:
    return [_expect(part, tag) for part in _parts(data)]


def _expect(part: tuple[int, bytes], tag: int) -> bytes:
    if part[0] != tag:
        raise ValueError(f"DER: tag {part[0]:#x} in place of {tag:#x}")
    return part[1]


def _oid(content: bytes) -> str:
    numbers, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))
