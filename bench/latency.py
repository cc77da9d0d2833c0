"""Resource providers that do nothing but take their time: every create lasts as long as the model says.

They let the real engine run the real program's graph for any number of regions with no control plane behind it, so
that what is measured is the graph and the engine. One server speaks for every package of the program; the engine
attaches to it (`PULUMI_DEBUG_PROVIDERS`). Values pass through as they come, secrets and unknowns included.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

PACKAGES = ("kubernetes", "tls", "pulumi-python")

Seconds = Callable[[str], float]
"""URN → modelled duration of its creation."""

COMPUTED: dict[str, dict[str, Any]] = {
    "tls:index/privateKey:PrivateKey": {
        "privateKeyPem": "modelled private key",
        "privateKeyPemPkcs8": "modelled private key",
        "privateKeyOpenssh": "modelled private key",
        "publicKeyPem": "modelled public key",
        "publicKeyOpenssh": "modelled public key",
    },
    "tls:index/selfSignedCert:SelfSignedCert": {"certPem": "modelled certificate"},
    "tls:index/certRequest:CertRequest": {"certRequestPem": "modelled request"},
    "tls:index/locallySignedCert:LocallySignedCert": {"certPem": "modelled certificate"},
}


@dataclass
class Timeline:
    """What was created when: {URN: (start, end)} in seconds of the monotonic clock."""

    created: dict[str, tuple[float, float]] = field(default_factory=dict)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


class LatencyProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One instance serves every package. Method names are gRPC's."""

    def __init__(self, seconds: Seconds, timeline: Timeline) -> None:
        self._seconds = seconds
        self._timeline = timeline

    async def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=True)

    async def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="1000.0.0")

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return _no_difference()

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        changed = request.old_inputs != request.news
        changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind = request.urn.split("::")[2].rsplit("$", 1)[-1]
        response = provider_pb2.CreateResponse(id="" if request.preview else request.urn.rsplit("::", 1)[-1])
        response.properties.CopyFrom(request.properties)
        if not request.preview:
            started = time.monotonic()
            await asyncio.sleep(self._seconds(request.urn))
            self._timeline.created[request.urn] = (started, time.monotonic())
            response.properties.update(computed(kind, response.properties))
        return response

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not request.preview:
            self._timeline.updated.append(request.urn)
        return provider_pb2.UpdateResponse(properties=request.news)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._timeline.deleted.append(request.urn)
        return empty_pb2.Empty()

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)


class Server:
    """Serves a `LatencyProvider` on a loopback port from a thread of its own; a context manager."""

    def __init__(self, seconds: Seconds) -> None:
        self.timeline = Timeline()
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """What makes an engine use it."""
        return {"PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{self.port}" for package in PACKAGES)}

    def __enter__(self) -> "Server":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _start(self) -> None:
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", 400 << 20)])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(
            LatencyProvider(self._seconds, self.timeline), self._server
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()


def computed(kind: str, properties: Any) -> dict[str, Any]:
    """Outputs that a real provider computes and the program reads."""
    if kind == "kubernetes:core/v1:Service" and "loadBalancerIP" in properties["spec"]:
        return {"status": {"loadBalancer": {"ingress": [{"ip": properties["spec"]["loadBalancerIP"]}]}}}
    return COMPUTED.get(kind, {})


def _no_difference() -> Any:
    return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
