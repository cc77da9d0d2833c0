"""`python -m lab.clouds gcp|aws ENGINE`: a provider stand-in, as the engine starts it."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import grpc

from lab.clouds import kinds, serve, times
from lab.clouds.operations import Operations
from lab.clouds.store import CLOUDS, Store
from lab.clouds.substrate_api import Nothing, Substrate
from lab.paths import lab_paths


def main(cloud: str, arguments: list[str]) -> None:
    """Serve until the engine ends.

    LAB_NAME is the lab whose clouds these are. LAB_CLOUDS names another folder to keep their state in: then there is no
    machine behind them, only state and time.
    """
    importlib.import_module(f"lab.clouds.{cloud}")
    aside = os.environ.get("LAB_CLOUDS")
    store = Store(Path(aside) if aside else lab_paths(os.environ.get("LAB_NAME", "dev")).root / "clouds")
    operations = Operations(cloud, store, Nothing() if aside else _substrate(store), times.Clock(times.scale()))

    def register(server: grpc.Server) -> kinds.Callable[[], None]:
        from pulumi.runtime.proto import provider_pb2_grpc

        from lab.clouds.provider import CloudProvider

        provider_pb2_grpc.add_ResourceProviderServicer_to_server(CloudProvider(operations), server)
        return operations.clock.cancel

    serve.serve(arguments, register)


def _substrate(store: Store) -> Substrate:
    from lab.clouds.substrate import open_substrate

    return open_substrate(lab_paths(os.environ.get("LAB_NAME", "dev")), store)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in CLOUDS:
        sys.exit("usage: python -m lab.clouds gcp|aws [ENGINE]")
    main(sys.argv[1], sys.argv[2:])
