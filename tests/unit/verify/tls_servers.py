"""Certificates and a TLS server that speaks as much PostgreSQL and HTTP as a CockroachDB node shows a probe."""

import datetime
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.UTC)


class Authority:
    """A CA in a folder: `ca.crt`, and whatever it issues."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cockroach CA")])
        certificate = (
            _builder(self._name, self._key, 365)
            .issuer_name(self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca = self._write("ca.crt", certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str, names: tuple[str, ...] = (), days: float = 90) -> tuple[str, str]:
        """(certificate file, key file), valid until `days` from now (negative: expired)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = _builder(subject, key, days).issuer_name(self._name)
        if names:
            alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = builder.add_extension(usage, critical=False).sign(self._key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stem = f"{common_name}-{len(list(self.folder.iterdir()))}"
        return (
            self._write(f"{stem}.crt", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{stem}.key", private),
        )

    def _write(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=400))
        .not_valid_after(NOW + datetime.timedelta(days=days))
    )


@dataclass
class Behaviour:
    """How the node answers. `members` and `states` are the rows of gossip_nodes and gossip_liveness."""

    cluster_id: str = "0f3a"
    members: list[list[str]] = field(default_factory=list)
    states: list[list[str]] = field(default_factory=list)
    refuse: str | None = None
    """A statement whose every query is refused; "login" refuses the session; "password" asks for one."""
    knows_allow_unsafe: bool = True
    tls: bool = True
    mute: bool = False
    """Takes the session and answers no query, as a node without quorum does."""
    ready: int = 200


class NodeServer:
    """SQL on one port and HTTPS on another, on one loopback address, until closed."""

    def __init__(
        self,
        authority: Authority,
        certificate: tuple[str, str],
        behaviour: Behaviour,
        address: str = "127.0.0.1",
        sql_port: int = 0,
        http_port: int = 0,
    ) -> None:
        self.behaviour = behaviour
        self.statements: list[str] = []
        self.users: list[str] = []
        self._sql_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._sql_context.load_cert_chain(*certificate)
        self._sql_context.load_verify_locations(authority.ca)
        self._sql_context.verify_mode = ssl.CERT_REQUIRED
        self._http_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._http_context.load_cert_chain(*certificate)
        self._listeners = [socket.create_server((address, sql_port)), socket.create_server((address, http_port))]
        self.sql_port, self.http_port = (listener.getsockname()[1] for listener in self._listeners)
        for listener, talk in zip(self._listeners, (self._talk_sql, self._talk_http), strict=True):
            threading.Thread(target=self._accept, args=(listener, talk), daemon=True).start()

    def close(self) -> None:
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket, talk) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(talk, connection), daemon=True).start()

    def _guarded(self, talk, connection: socket.socket) -> None:
        try:
            talk(connection)
        except (OSError, struct.error):
            pass
        finally:
            connection.close()

    def _talk_http(self, connection: socket.socket) -> None:
        with self._http_context.wrap_socket(connection, server_side=True) as tls:
            request = tls.recv(4096)
            code = self.behaviour.ready if request.startswith(b"GET /health?ready=1 ") else 404
            tls.sendall(f"HTTP/1.1 {code} x\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    def _talk_sql(self, connection: socket.socket) -> None:
        request = connection.recv(8)
        assert request == struct.pack("!II", 8, 80877103)
        if not self.behaviour.tls:
            connection.sendall(b"N")
            return
        connection.sendall(b"S")
        with self._sql_context.wrap_socket(connection, server_side=True) as tls:
            stream = tls.makefile("rb")
            size = struct.unpack("!I", stream.read(4))[0]
            words = stream.read(size - 4)[4:].split(b"\0")
            self.users.append(words[words.index(b"user") + 1].decode())
            if self.behaviour.refuse == "login":
                tls.sendall(_error("certificate authentication failed for user verifier", "28000"))
                return
            if self.behaviour.refuse == "password":
                tls.sendall(_message(b"R", struct.pack("!I", 3)))
                stream.read(1)
                return
            tls.sendall(_message(b"R", struct.pack("!I", 0)) + _message(b"S", b"a\0b\0") + _message(b"Z", b"I"))
            while stream.read(1) == b"Q":
                size = struct.unpack("!I", stream.read(4))[0]
                statement = stream.read(size - 4).rstrip(b"\0").decode()
                self.statements.append(statement)
                if self.behaviour.mute:
                    stream.read(1)
                    return
                tls.sendall(self._reply(statement) + _message(b"Z", b"I"))

    def _reply(self, statement: str) -> bytes:
        if self.behaviour.refuse and self.behaviour.refuse in statement:
            return _error("user verifier does not have VIEWCLUSTERMETADATA system privilege", "42501")
        if statement.startswith("SET "):
            if not self.behaviour.knows_allow_unsafe:
                return _error("unrecognized configuration parameter", "42704")
            return _message(b"C", b"SET\0")
        if "cluster_id()" in statement:
            return _rows([[self.behaviour.cluster_id]])
        return _rows(self.behaviour.members if "gossip_nodes" in statement else self.behaviour.states)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _error(text: str, code: str) -> bytes:
    return _message(b"E", b"SERROR\0C" + code.encode() + b"\0M" + text.encode() + b"\0\0")


def _rows(rows: list[list[str]]) -> bytes:
    data = b""
    for row in rows:
        body = struct.pack("!H", len(row))
        for value in row:
            body += struct.pack("!i", len(value)) + value.encode()
        data += _message(b"D", body)
    return _message(b"T", struct.pack("!H", 0)) + data + _message(b"C", f"SELECT {len(rows)}".encode() + b"\0")
