"""The `topology` output: the address plan as data."""

from .shapes import Field, ListOf, MapOf, Number, OrNull, Record, Word, record

_WORD, _NAME, _IP, _ZONE = Word("word"), Word("name"), Word("ip", r"^[0-9.]+$"), Word("zone")
_CIDR = Word("CIDR", r"^[0-9.]+/[0-9]+$")

REGION = Record(
    [
        Field("name", _NAME, "as in the config"),
        Field("namespace", _NAME, "where its nodes run, in its Kubernetes cluster"),
        Field("platform", _WORD, "`existing`, `gke` or `eks`"),
        Field("state", _WORD, "`active`, `draining`, `lost` or `removed`"),
        Field("cidr", _CIDR, "the region's range; the next three lie in it, but where `existing` clusters have others"),
        Field(
            "nodeCidr", _CIDR, "its hosts' addresses. On EKS pods share the VPC's subnets with them: both are the VPC"
        ),
        Field("podCidr", _CIDR, "its pods' addresses"),
        Field("serviceCidr", _CIDR, "its Services' addresses, which mean nothing outside of the cluster"),
        Field("dnsZone", _NAME, "whose names the region's DNS answers to other regions"),
        Field("dnsAddresses", ListOf(_IP), "where it answers; on EKS one per zone"),
        Field("sqlAddresses", ListOf(_IP), "where SQL is taken, on EKS one per zone, any of them as good"),
        Field("sqlAddress", _IP, "the first of them, which `sqlEndpoints` and `databaseUrls` have"),
        Field(
            "balancers",
            ListOf(record(kind=_WORD, name=_NAME, addresses=ListOf(_IP))),
            "every internal load balancer of the region: `sql`, and those of the strategy (`dns`; `node`, one per "
            "node; `join`; `proxy`; `gateway`)",
        ),
        Field("zones", ListOf(_NAME), "as in the config"),
        Field("drainingNodes", Number(), "the last so many of `nodes` are decommissioned"),
        Field(
            "nodes",
            ListOf(record(name=_NAME, address=OrNull(Word("address")), port=Number(), httpPort=Number())),
            "CockroachDB nodes; `address` (a name or an IP) is null where only run time knows it; none where the "
            "region is lost or removed. `port` is for SQL and RPC: 26257 and 8080 but with strategy `proxy`",
        ),
        Field(
            "forwards",
            MapOf("zone", ListOf(_IP)),
            "zones that this region's DNS asks others for: the other running regions', and on EKS those of "
            "`dns.extraStubDomains`",
        ),
        Field(
            "privateZone",
            OrNull(_NAME),
            "zone of a cloud's own DNS that has the region's nodes' names, shown to all of the stack's VPCs there "
            "(strategy `private-zone` without `rfc2136`); null: there is none",
        ),
        Field(
            "hosts",
            MapOf("host", Word("address")),
            "Kubernetes nodes that carry the region's database nodes, one each, and where other nodes reach the one "
            "there; empty where a pod may be anywhere",
        ),
        Field(
            "certificateNames",
            OrNull(ListOf(_NAME)),
            "every name and address in the nodes' certificates, `sqlAddresses` among them; null where only run time "
            "knows them",
        ),
    ]
)

PORT = Record(
    [
        Field("name", _WORD, "what it is for"),
        Field("protocol", _WORD, "`TCP`, `UDP` or `ICMP`"),
        Field("first", Number(), "of the range"),
        Field("last", Number(), "of the range"),
        Field("sources", ListOf(_WORD), "who comes from every region: `pods`, `nodes`, or both"),
        Field(
            "to",
            _WORD,
            "where they go in every other region: `pods`, `nodes`, `api-servers` (at 443, or whichever port their URL "
            "says), or a kind of `balancers`",
        ),
    ]
)

TOPOLOGY = Record(
    [
        Field("strategy", _WORD, "as the output of that name"),
        Field("joinAddresses", ListOf(Word("host:port")), "as the output of that name"),
        Field("regions", ListOf(REGION), "every region of the config, lost and removed ones included"),
        Field("ports", ListOf(PORT), "what firewalls between the regions have to let through"),
        Field(
            "networks",
            ListOf(record(name=_NAME, platform=_WORD, regions=ListOf(_NAME))),
            "the VPCs that the program makes, and the regions in each: those on `existing` are in none",
        ),
        Field(
            "links",
            ListOf(record(kind=_WORD, regions=ListOf(_NAME))),
            "what joins regions of different VPCs, each pair once: `peering`, `transit-gateway`, or `vpn`, whose first "
            "region is the one on `gke`",
        ),
    ]
)
