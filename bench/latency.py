"""Resource providers that do nothing but take their time: every create lasts as long as the model says.

They let the real engine run the real program's graph for any number of regions with no control plane and no cloud
behind it, so that what is measured is the graph and the engine. One server speaks for every package of the program; the
engine attaches to it (`PULUMI_DEBUG_PROVIDERS`). Values pass through as they come, secrets and unknowns included.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from . import computed, replaces

PACKAGES = ("kubernetes", "tls", "pulumi-python", "gcp", "aws")

Seconds = Callable[[str], float]
"""URN → modelled duration of its creation."""


@dataclass
class Timeline:
    """What was created when: {URN: (start, end)} in seconds of the monotonic clock; and what changed afterwards."""

    created: dict[str, tuple[float, float]] = field(default_factory=dict)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    changes: dict[str, list[str]] = field(default_factory=dict)
    """{URN: the inputs whose change was seen}, replaced resources included."""
    replaced: dict[str, list[str]] = field(default_factory=dict)
    """{URN: the inputs whose change a real provider can't make in place}."""


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
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        old, new = json_format.MessageToDict(request.old_inputs), json_format.MessageToDict(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if not changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        kind = request.urn.split("::")[2].rsplit("$", 1)[-1]
        forced = replaces.forced(kind, old, new)
        self._timeline.changes[request.urn] = changed
        if forced:
            self._timeline.replaced[request.urn] = forced
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=changed,
            replaces=forced,
            deleteBeforeReplace=bool(forced),
        )

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, name = request.urn.split("::")[2].rsplit("$", 1)[-1], request.urn.rsplit("::", 1)[-1]
        response = provider_pb2.CreateResponse(id="" if request.preview else name)
        response.properties.CopyFrom(request.properties)
        if not request.preview:
            started = time.monotonic()
            await asyncio.sleep(self._seconds(request.urn))
            self._timeline.created[request.urn] = (started, time.monotonic())
            response.properties.update(computed.outputs(kind, name, json_format.MessageToDict(request.properties)))
        return response

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = provider_pb2.UpdateResponse(properties=request.news)
        if not request.preview:
            kind, name = request.urn.split("::")[2].rsplit("$", 1)[-1], request.urn.rsplit("::", 1)[-1]
            self._timeline.updated.append(request.urn)
            response.properties.update(computed.outputs(kind, name, json_format.MessageToDict(request.news)))
        return response

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
