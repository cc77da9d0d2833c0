"""One run: probe pods in every zone of every region, side by side, their reports, and nothing left behind."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from . import kube, manifests
from .measurements import RegionMeasurement, ZoneProbe
from .target import Region, Target, located

START_SHARE = 0.5
"""Of the time-out, at most, for pods to start; the rest is for probing, whose own time-outs add up to 12 s at worst."""
START_SECONDS = 60.0
"""However long the time-out: an image that takes longer is reported, not waited for."""


@dataclass(slots=True)
class _Site:
    """A region while the run lasts."""

    region: Region
    cluster: kube.Cluster | None = None
    measurement: RegionMeasurement = field(init=False)
    zones: dict[str, str] = field(default_factory=dict)
    """Pod name → zone."""
    running: dict[str, str] = field(default_factory=dict)
    """Pod name → address."""

    def __post_init__(self) -> None:
        self.measurement = RegionMeasurement(self.region.name, "ok")


class Run:
    """Measures a target once. `measure` may be interrupted anywhere; `close` removes what was made, always."""

    def __init__(self, target: Target, timeout: float, progress: Callable[[str], None] = lambda _: None) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.target = target
        """What is verified; once measured, with the addresses that only run time knows."""
        self._timeout = timeout
        self._progress = progress
        self._sites = [_Site(region) for region in target.regions]
        self._pool = ThreadPoolExecutor(max(4 * len(self._sites), 8))

    def measure(self) -> list[RegionMeasurement]:
        """Every region's measurement, in the plan's order. A region that fails says so in its own; others go on."""
        started = time.monotonic()
        start_deadline = started + min(self._timeout * START_SHARE, START_SECONDS)
        if self.target.unlocated:
            self._locate()
        self._progress("starting a probe in every zone")
        self._everywhere(lambda site: self._start(site, start_deadline))
        peers = [
            {"region": site.region.name, "zone": site.zones[pod], "address": address}
            for site in self._sites
            for pod, address in site.running.items()
        ]
        self._progress(f"{len(peers)} probes measuring")
        self._everywhere(lambda site: self._collect(site, peers, started + self._timeout))
        return [site.measurement for site in self._sites]

    def close(self) -> list[str]:
        """Delete this run's objects everywhere; what could not be deleted, in words."""
        removals = [(site, self._pool.submit(site.cluster.remove)) for site in self._sites if site.cluster is not None]
        problems = []
        for site, removal in removals:
            try:
                removal.result(timeout=2 * kube.CALL_SECONDS)
            except (kube.ApiError, TimeoutError) as error:
                problems.append(f"{site.region.name}: {error}; run {self.id} is removed by the next verification")
        self._pool.shutdown(wait=False, cancel_futures=True)
        return problems

    def _everywhere(self, step: Callable[[_Site], None]) -> None:
        def guarded(site: _Site) -> None:
            try:
                step(site)
            except kube.ApiError as error:
                site.measurement = replace(site.measurement, api=error.status, api_error=str(error))
                site.running.clear()

        futures: list[Future[None]] = [
            self._pool.submit(guarded, site) for site in self._sites if site.measurement.api == "ok"
        ]
        for future in futures:
            future.result()

    def _locate(self) -> None:
        """Nodes' addresses from their own regions' API servers. A region that can't be asked keeps its nodes' names."""
        self._progress("asking where the nodes are")
        self._everywhere(self._read_pods)
        self.target = located(
            self.target,
            {
                site.region.name: {
                    ordinal: site.region.place(pod) for ordinal, pod in (site.measurement.pods or {}).items()
                }
                for site in self._sites
            },
        )
        for site in self._sites:
            site.region = self.target.region(site.region.name)

    def _read_pods(self, site: _Site) -> None:
        site.cluster = kube.Cluster(site.region, self.id)
        site.measurement = replace(site.measurement, pods=site.cluster.database_pods())

    def _start(self, site: _Site, deadline: float) -> None:
        site.cluster = cluster = site.cluster or kube.Cluster(site.region, self.id)
        left_over = cluster.remove_left_overs()
        zones = cluster.zones()
        life = int(self._timeout) + 30
        given = manifests.probe_input(self.target, site.region, self.id, life, deadline - time.monotonic() + 10)
        root = cluster.create_root(
            manifests.config_map(site.region, self.id, given, kube.owner(), int(time.time()) + life + 30)
        )
        for index, zone in enumerate(zones):
            body = manifests.pod(self.target, site.region, zone, index, self.id, life, root)
            site.zones[cluster.create_pod(body)] = zone or ""
        site.measurement = replace(
            site.measurement,
            left_over=left_over,
            pods=cluster.database_pods(),
            dns_servers=cluster.dns_servers(),
        )
        settled = cluster.settle(list(site.zones), deadline)
        site.running = {pod: detail for pod, (status, detail) in settled.items() if status == "running"}
        site.measurement = replace(
            site.measurement,
            zones=tuple(
                ZoneProbe(site.zones[pod], "silent" if status == "running" else status, detail)
                for pod, (status, detail) in settled.items()
            ),
        )

    def _collect(self, site: _Site, peers: list[dict[str, str]], deadline: float) -> None:
        if site.cluster is None:
            return
        cluster = site.cluster
        met = [peer for peer in peers if self.target.pods_meet(site.region, self.target.region(peer["region"]))]
        for pod in site.running:
            cluster.give_peers(pod, met)
        futures = {pod: self._pool.submit(cluster.report, pod, deadline) for pod in site.running}
        found = {site.zones[pod]: future.result() for pod, future in futures.items()}
        site.measurement = replace(
            site.measurement, zones=tuple(_with_report(zone, found) for zone in site.measurement.zones)
        )


def _with_report(zone: ZoneProbe, found: dict[str, tuple[dict | None, str]]) -> ZoneProbe:
    if zone.zone not in found:
        return zone
    report, why = found[zone.zone]
    if report is None:
        return replace(zone, status="silent", detail=why)
    return replace(zone, status="reported", detail="", report=report)
