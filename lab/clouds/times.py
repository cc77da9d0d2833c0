"""Cloud time: how long the lab's clouds take, scaled."""

from __future__ import annotations

import os
import threading

SCALE = 0.01
"""Seconds of waiting for a second of cloud time: a cluster of ten minutes takes six seconds."""


class Interrupted(Exception):  # noqa: N818 (it is what the engine asked for)
    """The engine cancelled what it had asked for."""


class Clock:
    """Waits, until the engine cancels."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Let that much cloud time pass. Raises Interrupted."""
        if self._cancelled.wait(seconds * self.scale):
            raise Interrupted("cancelled")


def scale() -> float:
    """What LAB_CLOUD_TIME says; 1 is a real cloud's pace, 0 none."""
    return float(os.environ.get("LAB_CLOUD_TIME") or SCALE)
