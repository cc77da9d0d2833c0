"""The input check by the SDKs' own types, and the models' words against them."""

from __future__ import annotations

from importlib import import_module

import pytest

from lab.clouds import schema
from lab.clouds.kinds import KINDS, UNKNOWN

for cloud in ("gcp", "aws"):
    import_module(f"lab.clouds.{cloud}")

SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
RIGHT = {"network": "n", "ipCidrRange": "10.1.0.0/20"}


def problems(token: str, **inputs: object) -> list[tuple[str, str]]:
    return list(schema.problems(token, inputs))


def test_what_the_sdk_allows_passes() -> None:
    ranges = [{"rangeName": "pods", "ipCidrRange": "10.1.128.0/17"}]
    assert problems(SUBNETWORK, **RIGHT, secondaryIpRanges=ranges, privateIpGoogleAccess=True) == []


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"ipRange": "10.0.0.0/8"}, "ipRange", "unknown property"),
        ({"ip_cidr_range": "10.0.0.0/8"}, "ip_cidr_range", "unknown property"),
        ({"network": None}, "network", "missing: it is required"),
        ({"privateIpGoogleAccess": "true"}, "privateIpGoogleAccess", 'a boolean is needed, not "true"'),
        ({"name": 5}, "name", "a string is needed, not 5"),
        ({"secondaryIpRanges": {}}, "secondaryIpRanges", "a list is needed, not {}"),
        ({"secondaryIpRanges": ["pods"]}, "secondaryIpRanges[0]", 'an object is needed, not "pods"'),
        ({"secondaryIpRanges": [{}]}, "secondaryIpRanges[0].rangeName", "missing: it is required"),
        (
            {"secondaryIpRanges": [{"rangeName": "pods", "cidr": "10.0.0.0/8"}]},
            "secondaryIpRanges[0].cidr",
            "unknown property",
        ),
    ],
)
def test_what_it_does_not_allow_is_refused_with_its_path(inputs: dict[str, object], path: str, reason: str) -> None:
    assert problems(SUBNETWORK, **{**RIGHT, **inputs}) == [(path, reason)]


def test_unknown_values_pass() -> None:
    assert problems(SUBNETWORK, network=UNKNOWN, secondaryIpRanges=[UNKNOWN]) == []


def test_maps_and_alternatives() -> None:
    assert problems("gcp:compute/address:Address", labels={"a": "b"}) == []
    assert problems("gcp:compute/address:Address", labels={"a": 1}) == [("labels.a", "a string is needed, not 1")]
    assert problems("aws:iam/role:Role", assumeRolePolicy="{}") == []
    assert [path for path, _ in problems("aws:iam/role:Role", assumeRolePolicy=3)] == ["assumeRolePolicy"]


def test_a_type_that_the_sdk_has_not() -> None:
    for token in ("gcp:compute/subnet:Subnet", "gcp:compute/subnetwork:Subnet", "aws:Subnetwork"):
        with pytest.raises(schema.NoSuchType):
            schema.reflect(token.split(":")[0], token)


@pytest.mark.parametrize("token", sorted(KINDS))
def test_a_model_speaks_of_properties_that_the_sdk_has(token: str) -> None:
    kind, known = KINDS[token], schema.schema(token)
    inputs = {*known["inputs"]}
    assert {*kind.defaults} <= inputs
    assert {path.split(".")[0] for path in kind.replaces} <= inputs
    assert {path.split(".")[0] for path in (*kind.computed, *kind.secrets)} <= {*known["outputs"]}
    assert kind.auto_name is None or kind.auto_name in inputs
    assert list(schema.problems(token, kind.defaults)) == [
        (name, "missing: it is required")
        for name, field in known["inputs"].items()
        if field["required"] and name not in kind.defaults
    ]
