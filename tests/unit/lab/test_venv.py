"""pip installs what uv does: requirements.txt is the lock's export."""

import re

from lab import venv
from lab.paths import PROJECT


def test_pip_installs_what_the_lock_says() -> None:
    lock = (PROJECT / "uv.lock").read_text()
    locked = {
        (name, version)
        for name, version in re.findall(r'\[\[package\]\]\nname = "([^"]+)"\nversion = "([^"]+)"', lock)
        if name != "cockroachdb-multiregion"
    }
    text = (PROJECT / venv.REQUIREMENTS).read_text()
    exported = set(re.findall(r"^([a-z0-9][\w.-]*)==([^ ;\\]+)", text, re.M))
    assert exported <= locked
    named = {name for name, _ in exported}
    assert {"pulumi", "pulumi-kubernetes", "pulumi-tls", "kubernetes", "pytest", "ruff", "pyright"} <= named
    optional = {"pulumi-gcp", "pulumi-aws"}
    assert {name for name, _ in locked} - named <= optional | {"parver", "arpeggio"}
    assert text.count("--hash=sha256:") > len(exported), "pip checks what it gets"
