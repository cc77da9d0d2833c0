"""`make up`: what it tells to type next."""

import pytest

from lab.up import words_for


@pytest.mark.parametrize(
    ("name", "stack", "flag", "make"),
    [
        ("dev", "dev", "", ""),
        ("other", "dev", " --name other", " LAB_NAME=other"),
        ("gke", "gke", " --name gke", " STACK=gke"),
        ("other", "gke", " --name other", " STACK=gke LAB_NAME=other"),
    ],
)
def test_only_what_is_no_default_is_told(name: str, stack: str, flag: str, make: str) -> None:
    assert words_for(name, stack) == (flag, make)
