"""DNS servers outside of all regions: real BIND, for stacks that keep their names in a zone of their own.

A stack file asks for them: the addresses under `strategyOptions.rfc2136.servers`. The first one is the zone's primary
and takes signed updates, the others are its secondaries. The signing key is made by the lab.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import subprocess
from pathlib import Path

from lab import netns, packages, processes
from lab.netns import Namespace
from lab.paths import LabPaths
from lab.processes import Daemon
from lab.shell import LabError, run
from lab.tools import building, demand
from lab.world import Nameserver, World

PROGRAM, PACKAGE = "named", "bind9"
WRITER = "external-dns"
"""What writes their zone, in the regions."""
READY_SECONDS = 20.0
SECRET_BYTES = 32
NEGATIVE_SECONDS = 5
"""How long resolvers remember that a name is missing: the last field of the zone's SOA record."""


def namespace(world: World, server: Nameserver, sysctls: tuple[str, ...]) -> Namespace:
    """A machine on a wire of its own to the core router."""
    place = world.nameservers.index(server)
    name, core, port = world.netns(f"nameserver-{place}"), world.netns("core"), wire(world, server)
    far, near = f"100.64.255.{4 * place + 1}", f"100.64.255.{4 * place + 2}"
    lines = [
        f"link add name core netns {name} type veth peer name {port} netns {core}",
        f"-n {name} address add {near}/30 dev core",
        f"-n {name} link set core up",
        f"-n {core} address add {far}/30 dev {port}",
        f"-n {core} link set {port} up",
        f"-n {name} address add {server.address}/32 dev lo",
        f"-n {name} route add default via {far}",
        f"-n {core} route add {server.address}/32 via {near}",
    ]
    return Namespace(name, lines, sysctls, ((core, port),))


def wire(world: World, server: Nameserver) -> str:
    """The core router's end of it."""
    return f"names{world.nameservers.index(server)}"


def start(paths: LabPaths, world: World, *, keep: bool = False) -> None:
    """Start what is not running; returns when all of them listen. Raises LabError."""
    if not world.nameservers:
        return
    demand(WRITER)
    program = _program(paths)
    for place, server in enumerate(world.nameservers):
        folder = _folder(paths) / str(place)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / "named.conf", configuration(world, server, folder, secret(paths)), 0o600)
        zone = folder / "zone.db"
        if place == 0 and not zone.exists():
            _write(zone, empty_zone(world), 0o600)
        space = world.netns(f"nameserver-{place}")
        argv = [str(program), "-g", "-4", "-n", "1", "-c", str(folder / "named.conf")]
        name = f"nameserver-{place}"
        processes.start(paths, Daemon(name, argv, space), keep=keep)
        processes.wait_ready(paths, name, lambda space=space: _listens(space), READY_SECONDS)


def secret(paths: LabPaths) -> str:
    """The key that updates are signed with, in base64: made once, its owner's alone."""
    file = paths.tsig_key
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(file, base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(), 0o600)
    return file.read_text()


def configuration(world: World, server: Nameserver, folder: Path, key: str) -> str:
    """named.conf of one server. The key may change addresses and texts below the zone, and read all of it."""
    primary, *others = world.nameservers
    if server == primary:
        places = "".join(f"{other.address}; " for other in others)
        role = [
            "  type primary;",
            f'  update-policy {{ grant "{server.key_name}" zonesub A TXT; }};',
            "  notify explicit;",
            f"  also-notify {{ {places}}};",
        ]
    else:
        role = ["  type secondary;", f'  primaries {{ {primary.address} key "{server.key_name}"; }};']
    ports = "".join(f"  listen-on port {port} {{ {server.address}; }};\n" for port in sorted({53, server.port}))
    return f"""\
options {{
  directory "{folder}";
{ports}  listen-on-v6 {{ none; }};
  notify-source {server.address};
  transfer-source {server.address};
  recursion no;
  allow-query {{ any; }};
  allow-transfer {{ none; }};
  dnssec-validation no;
  empty-zones-enable no;
  pid-file none;
  lock-file none;
  session-keyfile none;
  managed-keys-directory "{folder}";
}};
controls {{ }};
key "{server.key_name}" {{
  algorithm {server.key_algorithm};
  secret "{key}";
}};
zone "{server.zone}" {{
{chr(10).join(role)}
  file "zone.db";
  masterfile-format text;
  allow-transfer {{ key "{server.key_name}"; }};
}};
"""


def empty_zone(world: World) -> str:
    """The zone before the first update: who serves it."""
    zone = world.nameservers[0].zone
    timers = f"1 10 5 3600 {NEGATIVE_SECONDS}"
    lines = [f"$ORIGIN {zone}.", "$TTL 60", f"@ IN SOA ns0 hostmaster ( {timers} )"]
    for place, server in enumerate(world.nameservers):
        lines += [f"@ IN NS ns{place}", f"ns{place} IN A {server.address}"]
    return "\n".join(lines) + "\n"


def _program(paths: LabPaths) -> Path:
    """A copy of BIND's server, installed where it is missing.

    A copy, since where AppArmor is on, Debian's profile of /usr/sbin/named lets it write in Debian's own folders only.
    """
    found = shutil.which(PROGRAM, path=packages.SEARCH)
    if found is None:
        with building():
            found = shutil.which(PROGRAM, path=packages.SEARCH) or _install()
    copy = _folder(paths) / PROGRAM
    if not copy.exists() or copy.stat().st_mtime_ns < Path(found).stat().st_mtime_ns:
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = copy.with_name(f"{PROGRAM}.new")
        shutil.copy(found, fresh)
        fresh.replace(copy)
    return copy


def _install() -> str:
    packages.install([PACKAGE])
    if shutil.which("systemctl", path=packages.SEARCH) and Path("/run/systemd/system").exists():
        # The package starts a server of the machine's own, which nobody asked for.
        subprocess.run(["systemctl", "disable", "--now", PROGRAM], capture_output=True, check=False)
    found = shutil.which(PROGRAM, path=packages.SEARCH)
    if found is None:
        raise LabError(f"there is no {PROGRAM} after the package {PACKAGE} was installed")
    return found


def _listens(space: str) -> bool:
    return bool(run(["nsenter", f"--net={netns.NETNS / space}", "--", "ss", "-Hlnt", "sport = :53"]).strip())


def _folder(paths: LabPaths) -> Path:
    return paths.tsig_key.parent


def _write(file: Path, content: str, mode: int) -> None:
    if file.exists() and file.read_text() == content:
        return
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=mode)
    fresh.write_text(content)
    fresh.replace(file)
