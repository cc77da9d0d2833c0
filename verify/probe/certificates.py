"""When the certificates end that no connection shows: the authorities', and those of SQL users."""

import datetime
import json
import pathlib
import ssl
import time
from typing import Any

DAY = 86400


def ends(authority: str, declared: pathlib.Path, now: float | None = None) -> list[dict[str, Any]]:
    """[{name, ends, daysLeft}]: `ends` is Unix seconds. A file that is not there or not to be read names none.

    `authority`: a file of trusted certificates. `declared`: JSON, SQL user -> RFC 3339, as the program wrote it down.
    """
    now = time.time() if now is None else now
    found = [*_authorities(authority), *_declared(declared)]
    return [{"name": name, "ends": round(end), "daysLeft": round((end - now) / DAY, 2)} for name, end in found]


def _authorities(file: str) -> list[tuple[str, float]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError):
        return []
    ended = sorted(ssl.cert_time_to_seconds(str(one["notAfter"])) for one in context.get_ca_certs())
    return [("authority" if number == 0 else f"authority {number + 1}", end) for number, end in enumerate(ended)]


def _declared(file: pathlib.Path) -> list[tuple[str, float]]:
    try:
        users: dict[str, str] = json.loads(file.read_text())
        return [(f"client {user}", _seconds(end)) for user, end in sorted(users.items())]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
