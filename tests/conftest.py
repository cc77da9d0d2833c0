"""For all tests: names of failed ones as they fail, and a garbage collector that leaves the clouds' SDKs alone."""

import gc

import pytest


def pytest_collection_finish() -> None:
    """The SDKs' objects live as long as the process: to go through them again and again took nearly half of the CPU
    time of tests that declare whole stacks of several clouds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class _FailuresAtOnce:
    """What failed is told at the end, which of the lab's tests reach after half an hour."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line(f"\nfailed: {report.nodeid} ({report.when})")
            terminal.write_line(next((line for line in report.longreprtext.splitlines() if line.startswith("E ")), ""))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_FailuresAtOnce(config))
