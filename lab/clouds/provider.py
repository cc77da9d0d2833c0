"""The ResourceProvider protocol over a cloud's operations."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from google.rpc.status_pb2 import Status
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.clouds import schema
from lab.clouds.kinds import KINDS, Refused
from lab.clouds.operations import HalfMade, Operations
from lab.clouds.store import Record
from lab.clouds.values import merged, plain
from lab.shell import LabError

Method = Callable[..., Any]


class _Aborted(grpc.Status):
    """An answer that is an error, with the protocol's details."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.code = code
        self.details = details
        self.trailing_metadata = trailing


def answers(method: Method) -> Method:
    """What a cloud refuses is the request's answer, not a traceback."""

    @functools.wraps(method)
    def wrapped(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except HalfMade as error:
            context.abort_with_status(_half_made(error, request))
        except (Refused, LabError, schema.NoSuchType) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return wrapped


class CloudProvider(provider_pb2_grpc.ResourceProviderServicer):
    """`pulumi-resource-gcp` or `pulumi-resource-aws`."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=schema.sdk_version(self.operations.cloud))

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        name = self.operations.cloud
        text = json.dumps({"name": name, "version": schema.sdk_version(name)})
        return provider_pb2.GetSchemaResponse(schema=text)

    @answers
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Names only: what is no string comes as a JSON text."""
        names = schema.schema(f"pulumi:providers:{self.operations.cloud}")["inputs"]
        unknown = [name for name in plain(request.news) if name not in (*names, "version", "pluginDownloadURL")]
        failures = [provider_pb2.CheckFailure(property=name, reason="unknown property") for name in unknown]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """As the real ones: another project or region is an update, for each resource has its own in its id."""
        olds, news = plain(request.old_inputs), plain(request.news)
        changed = sorted(name for name in {*olds, *news} - {"version"} if olds.get(name) != news.get(name))
        changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=changed)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.operations.config = plain(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answers
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, name = _of(request.urn)
        news = plain(request.news)
        inputs, found = self.operations.check(token, name, plain(request.olds), news, request.randomSeed)
        failures = [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in found]
        return provider_pb2.CheckResponse(inputs=merged(request.news, inputs), failures=failures)

    @answers
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, name = _of(request.urn)
        difference = self.operations.compare(token, name, plain(request.old_inputs), plain(request.news))
        kinds = provider_pb2.PropertyDiff
        detailed = {
            path: kinds(kind=kinds.UPDATE_REPLACE if path in difference.replacing else kinds.UPDATE, inputDiff=True)
            for path in difference.changed
        }
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if difference.changed else none,
            replaces=sorted({_top(path) for path in difference.replacing}),
            diffs=sorted({_top(path) for path in difference.changed}),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=difference.delete_first,
        )

    @answers
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, name = _of(request.urn)
        inputs = plain(request.properties)
        if request.preview:
            outputs = self.operations.preview(token, inputs)
            return provider_pb2.CreateResponse(properties=_properties(token, request.properties, outputs))
        record = self.operations.create(token, name, inputs)
        return provider_pb2.CreateResponse(
            id=record.id, properties=_properties(token, request.properties, record.outputs)
        )

    @answers
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, _ = _of(request.urn)
        record = self.operations.read(token, request.id)
        if record is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=record.id,
            properties=_properties(token, request.properties, record.outputs),
            inputs=merged(request.inputs, record.inputs),
        )

    @answers
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, _ = _of(request.urn)
        inputs = plain(request.news)
        if request.preview:
            outputs = self.operations.preview(token, inputs, plain(request.olds))
        else:
            outputs = self.operations.update(token, request.id, inputs).outputs
        return provider_pb2.UpdateResponse(properties=_properties(token, request.news, outputs))

    @answers
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        token, _ = _of(request.urn)
        self.operations.delete(token, request.id)
        return Empty()

    @answers
    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = self.operations.invoke(request.tok, plain(request.args))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(merged(Struct(), answer))
        return response

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.operations.clock.cancel()
        return Empty()


def _of(urn: str) -> tuple[str, str]:
    """(type token, logical name) of a URN, whose type has its parents' before it."""
    types, name = urn.split("::", 3)[2:]
    return types.rsplit("$", 1)[-1], name


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


def _properties(token: str, given: Struct, outputs: Any) -> Struct:
    kind = KINDS.get(token)
    return merged(given, outputs, frozenset(kind.secrets if kind else ()))


def _half_made(error: HalfMade, request: Any) -> _Aborted:
    """The engine keeps the resource in its state, with the reason, and deletes or updates it in its next run."""
    record: Record = error.record
    given = request.properties if isinstance(request, provider_pb2.CreateRequest) else request.news
    status = Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=record.id,
            properties=_properties(record.token, given, record.outputs),
            reasons=[str(error)],
            inputs=given,
        )
    )
    return _Aborted(grpc.StatusCode.UNKNOWN, str(error), (("grpc-status-details-bin", status.SerializeToString()),))
