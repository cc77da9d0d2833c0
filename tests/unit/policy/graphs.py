"""The worked examples as graphs: as the clouds would have made them, and as a first preview knows them."""

import json
from functools import cache
from typing import Any

from components.plan import plan
from policy.graph import Graph
from policy.sources import from_export, from_recording
from policy.topology import Topology, topology
from stacks.multiregion import multi_region
from stacks.outputs import outputs
from tests.lab.strategies import stack_options
from tests.unit.recording import Registered, record
from tests.unit.stacks.test_clouds import given as given_elsewhere
from tests.unit.stacks.test_clouds import raw


def config(case: str) -> dict[str, Any]:
    """`gke`, `gke-peered`, `eks`, `eks-private`, `eks-transit`, `multicloud`, `multicloud-peered`; any of them
    `+STRATEGY`, with the options of the lab's scene, or `+STRATEGY+plain`, without any."""
    case, _, strategy = case.partition("+")
    strategy, _, plain = strategy.partition("+")
    stack, _, variant = case.partition("-")
    found = raw(stack)
    if strategy:
        found["strategy"] = strategy
        found["strategyOptions"] = {} if plain else stack_options(strategy)
    if variant == "peered":
        found["gcp"]["network"] = "peered"
    if variant == "private":
        found["aws"]["authorizedCidrs"] = ["192.168.0.0/24"]
    if variant == "transit":
        found["aws"]["transitGatewayFrom"] = 2
    return found


def given(args: Any) -> dict[str, Any]:
    """Every resource has a name, an ARN and a self link of its own, as clouds give them."""
    name = args.inputs.get("name") or f"{args.name}-0a1b2c3"
    answer: dict[str, Any] = {}
    if args.typ.startswith("gcp:"):
        link = f"https://www.googleapis.com/compute/v1/projects/p/{args.typ.rpartition(':')[2]}/{name}"
        answer = {"name": name, "selfLink": link}
    elif args.typ.startswith("aws:"):
        answer = {"name": name, "arn": f"arn:aws:{args.typ.split(':')[1]}:{name}"}
    answer |= given_elsewhere(args)
    match args.typ:
        case "gcp:compute/haVpnGateway:HaVpnGateway":
            answer["vpnInterfaces"] = [{"id": n, "ipAddress": f"198.51.100.{len(name)}.{name}.{n}"} for n in (0, 1)]
        case "aws:ec2/vpnConnection:VpnConnection":
            for n in (1, 2):
                answer[f"tunnel{n}Address"] = f"203.0.113.{n}.{name}"
                answer[f"tunnel{n}PresharedKey"] = f"key-{n}-{name}"
        case "aws:ec2transitgateway/transitGateway:TransitGateway":
            answer["associationDefaultRouteTableId"] = f"tgw-rtb-{name}"
        case "gcp:serviceaccount/account:Account":
            answer |= {"email": f"{name}@p.iam", "member": f"serviceAccount:{name}@p.iam"}
    return answer


@cache
def recorded(case: str, *, known: bool = True) -> tuple[Registered, ...]:
    settings, addresses = plan(config(case))
    made = record(
        lambda: outputs(multi_region(settings, addresses, None)),
        given if known else lambda _: {},
        preview=not known,
    )
    return tuple(made.resources)


@cache
def graph(case: str, *, known: bool = True) -> Graph:
    return from_recording(recorded(case, known=known))


def document(case: str) -> dict[str, Any]:
    """As `pulumi stack export` would have it."""
    states = [
        {
            "urn": made.urn,
            "id": made.id,
            "type": made.type,
            "inputs": made.wire,
            "outputs": made.outputs,
            "provider": made.provider,
            "propertyDependencies": {key: sorted(urns) for key, urns in made.property_dependencies.items()},
            "protect": made.protect,
        }
        for made in recorded(case)
    ]
    return json.loads(json.dumps({"version": 3, "deployment": {"resources": states}}))


@cache
def exported(case: str) -> Graph:
    """The graph of that."""
    return from_export(document(case))


def plan_of(there: Graph) -> Topology:
    found = topology(there)
    assert found is not None
    return found


def one(there: Graph, kind: str, name: str) -> str:
    """URN of the one resource of that type and name."""
    (found,) = [resource.urn for resource in there.of(kind) if resource.name == name]
    return found
