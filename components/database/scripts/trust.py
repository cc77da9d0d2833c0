"""Waits until every node trusts all authorities of a step, and presents a certificate of the one that signs.

Environment: STEP, the config's word for it; MEMBERS_FILE; TRUST_DIR with `signs.crt`, and `<authority>.crt` and `.key`,
a client certificate of each of AUTHORITIES (comma-separated); RPC_PORT; DEADLINE_SECONDS.
"""

from __future__ import annotations

import json
import os
import ssl
from pathlib import Path
from typing import Any

import peers
from waiting import Deadline, NotYetError, run, say


def context(signs: Path, client: Path | None = None) -> ssl.SSLContext:
    """Trusts the signing authority alone, and presents a client's certificate.

    TLS 1.2, where a server looks at a client's certificate before the handshake ends: with 1.3 its refusal comes later.
    """
    made = peers.tls_context(str(signs))
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["h2"])
    if client is not None:
        made.load_cert_chain(client.with_suffix(".crt"), client.with_suffix(".key"))
    return made


def why_not(member: dict[str, Any], folder: Path, authorities: list[str], rpc_port: int) -> str | None:
    """What a node lacks for the step to be over; None: nothing."""
    host, port = member["host"], member.get("rpc_port", rpc_port)
    try:
        peers.secure(host, port, context(folder / "signs.crt")).close()
    except peers.PeerError as failure:
        return f"{host} has no certificate of the authority that signs yet, or does not answer ({failure.detail})"
    for authority in authorities:
        try:
            peers.secure(host, port, context(folder / "signs.crt", folder / authority)).close()
        except peers.PeerError as failure:
            return f"{host} does not trust authority {authority} yet ({failure.detail})"
    return None


def look(members: list[dict[str, Any]], folder: Path, authorities: list[str], rpc_port: int) -> None:
    """Raises NotYetError with every node that is not ready."""
    found = [why_not(member, folder, authorities, rpc_port) for member in members]
    if waiting := [why for why in found if why is not None]:
        raise NotYetError("; ".join(waiting))


def main() -> None:
    env = os.environ
    members = json.loads(Path(env["MEMBERS_FILE"]).read_text(encoding="utf-8"))
    authorities = env["AUTHORITIES"].split(",")
    Deadline(float(env["DEADLINE_SECONDS"])).wait(
        f"every node is through with step {env['STEP']}",
        lambda: look(members, Path(env["TRUST_DIR"]), authorities, int(env["RPC_PORT"])),
    )
    say(f"step {env['STEP']}: {len(members)} nodes trust {', '.join(authorities)}")


if __name__ == "__main__":
    run(main)
