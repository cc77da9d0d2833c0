"""The latency-only providers: they take their time, tell what changed, and keep a record of it."""

import asyncio
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from bench.latency import LatencyProvider, Timeline

VPC = "urn:pulumi:bench::p::x:index:Net$aws:ec2/vpc:Vpc::east-vpc"


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def diff(timeline: Timeline, old: dict[str, Any], new: dict[str, Any]) -> Any:
    request = provider_pb2.DiffRequest(urn=VPC, old_inputs=struct(old), news=struct(new))
    return asyncio.run(LatencyProvider(lambda _: 0.0, timeline).Diff(request, None))


def test_a_creation_takes_its_time_and_gives_what_the_cloud_would() -> None:
    timeline = Timeline()
    provider = LatencyProvider(lambda _: 0.05, timeline)
    request = provider_pb2.CreateRequest(urn=VPC, properties=struct({"cidrBlock": "10.1.128.0/17"}))
    made = asyncio.run(provider.Create(request, None))
    start, end = timeline.created[VPC]
    assert end - start >= 0.05
    assert made.id == "east-vpc"
    assert dict(made.properties.items())["arn"] == "arn:aws:modelled:::east-vpc"


def test_a_preview_makes_nothing() -> None:
    timeline = Timeline()
    request = provider_pb2.CreateRequest(urn=VPC, properties=struct({}), preview=True)
    made = asyncio.run(LatencyProvider(lambda _: 60.0, timeline).Create(request, None))
    assert (made.id, timeline.created) == ("", {})
    assert "arn" not in made.properties, "what is unknown then stays unknown"


def test_what_changed_and_what_that_replaces_is_told() -> None:
    timeline = Timeline()
    same = diff(timeline, {"cidrBlock": "10.1.128.0/17"}, {"cidrBlock": "10.1.128.0/17"})
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert timeline.changes == {}
    tags = diff(timeline, {"tags": {"a": "1"}}, {"tags": {"a": "2"}})
    assert (list(tags.diffs), list(tags.replaces)) == (["tags"], [])
    assert (timeline.changes, timeline.replaced) == ({VPC: ["tags"]}, {})
    moved = diff(timeline, {"cidrBlock": "10.1.128.0/17"}, {"cidrBlock": "10.2.128.0/17"})
    assert list(moved.replaces) == ["cidrBlock"]
    assert timeline.replaced == {VPC: ["cidrBlock"]}
