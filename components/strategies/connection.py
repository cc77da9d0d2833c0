"""What every strategy's resources are to the composition.

A strategy's `resources` module offers `connect_region`, called once per region, and may offer `offer_region`, called
before, for what the other regions' connections are made with (a credential, for example). Two more may be there:
`offer_stack`, called once before all of these, for what all regions have in common; and `furnish_region`, called after
a region's database, for what the strategy has in the database's namespace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pulumi

from ..plan.model import AddressPlan, RegionPlan, RegionSettings, RegionState, Settings
from ..platforms import RegionalCluster


@dataclass(frozen=True, slots=True)
class Site:
    """One region as a strategy's resources see it."""

    settings: Settings
    plan: AddressPlan
    region: RegionSettings
    cluster: RegionalCluster
    owner: str
    """Marks our entries in what others write too: `project/stack`."""
    client_cidrs: list[str]
    """Pod and node ranges of every region whose nodes run."""
    common: Any = None
    """What the strategy's `offer_stack` made."""
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The config's values at the strategy's `secret_options`, by path."""

    @property
    def here(self) -> RegionPlan:
        """The region's own part of the plan."""
        return self.plan.region(self.region.name)

    @property
    def lost(self) -> bool:
        """Whether the region is gone: no call is made to its cluster."""
        return self.region.state is RegionState.LOST


class Connection(pulumi.ComponentResource):
    """A region's part in the regions' finding each other."""

    addresses: pulumi.Output[list[str]]
    """Where this region's DNS answers the other regions, once it does; empty where the strategy has no such servers."""

    _beside: "tuple[Connection, ...]" = ()

    @property
    def before_nodes(self) -> Sequence[pulumi.Resource]:
        """What has to be there before the region's nodes, because their pods are born by it. None of another region."""
        return ()

    @property
    def beside(self) -> "tuple[Connection, ...]":
        """Those of other strategies that the region has at the same time."""
        return self._beside

    @property
    def all_addresses(self) -> pulumi.Output[list[str]]:
        """Its `addresses`, and those of what is beside it."""
        every = (self.addresses, *(other.addresses for other in self.beside))
        return pulumi.Output.all(*every).apply(lambda found: [address for each in found for address in each])

    def put_beside(self, other: "Connection") -> None:
        """Let what waits for this one wait for `other` too."""
        self._beside = (*self._beside, other)


class NoConnection(Connection):
    """Nothing: what the plan says is enough for each region's `CockroachRegion` to find the others."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:NoConnection", name, {}, opts)
        self.addresses = pulumi.Output.from_input([])
        self.register_outputs({"addresses": self.addresses})


Offers = Mapping[str, Any]
"""Region -> what the strategy's `offer_region` gave there, an output or a component; empty for strategies without."""


def connect_by_plan(site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
    """`connect_region` of strategies that have nothing to declare."""
    return NoConnection(f"{site.region.name}-connection", opts)


class StrategyResources:
    """A strategy's `resources` module, with what it leaves out."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def offer_stack(self, settings: Settings, sites: Sequence[Site], opts: pulumi.ResourceOptions) -> object:
        """What the strategy has once for all regions, in no cluster. `sites`: those regions, lost ones among them, not
        knowing of it yet. Default: None."""
        offer = getattr(self._module, "offer_stack", None)
        return None if offer is None else offer(settings, sites, opts)

    def offer_region(self, site: Site, opts: pulumi.ResourceOptions) -> object:
        """What a live region gives to the others' connections. Default: None."""
        offer = getattr(self._module, "offer_region", None)
        return None if offer is None else offer(site, opts)

    def connect_region(self, site: Site, offers: Offers, opts: pulumi.ResourceOptions) -> Connection:
        """A region's part in the regions' finding each other. `opts`: hold the region's provider."""
        return self._module.connect_region(site, offers, opts)

    def furnish_region(self, site: Site, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        """What the strategy has in the namespace of a region's database. Default: nothing."""
        furnish = getattr(self._module, "furnish_region", None)
        return () if furnish is None else furnish(site, opts)
