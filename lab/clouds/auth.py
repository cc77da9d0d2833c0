"""Credentials for clusters that clouds made: one bearer token per lab, and stand-ins for the programs that fetch it.

Kubeconfigs of such clusters name `gke-gcloud-auth-plugin` or `aws eks get-token`; in a lab both are scripts in its own
bin folder, first on the PATH that `lab env` gives. No kubeconfig has a credential in it.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
from pathlib import Path

from lab.paths import LabPaths
from lab.state import held

USER = "lab-cloud-administrator"

GCLOUD = """#!/bin/sh
# Stands in for Google's plugin, for who has application-default credentials: without the flag it would ask gcloud,
# which has a login of its own.
case "$*" in
--version | version) echo "Kubernetes (the lab's stand-in)"; exit ;;
--use_application_default_credentials) ;;
*) echo "gke-gcloud-auth-plugin: the lab's stand-in has application-default credentials only, given: $*" >&2; exit 1 ;;
esac
{print}
"""

AWS = """#!/bin/sh
# Stands in for the AWS CLI, as far as kubeconfigs use it: `aws [--region R] eks get-token --cluster-name N`.
case " $* " in
*" eks get-token "*--cluster-name*) ;;
*) echo "aws: the lab's stand-in knows eks get-token --cluster-name NAME, and nothing else" >&2; exit 252 ;;
esac
{print}
"""

CREDENTIAL = {
    "kind": "ExecCredential",
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "spec": {},
    "status": {"token": "%s"},
}


def token_file(paths: LabPaths) -> Path:
    """kube-apiserver's `--token-auth-file`: token, user, uid, groups."""
    return paths.root / "clouds" / "tokens.csv"


def ensure(paths: LabPaths) -> None:
    """Make the lab's token, its owner's alone, and the two programs, where they are not."""
    file = token_file(paths)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(paths, "auth.lock"):
        if not file.exists():
            fresh = file.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                stream.write(f'{secrets.token_urlsafe(32)},{USER},{USER},"system:masters"\n')
            fresh.replace(file)
        # The token is read at each call, and never an argument of a program.
        answer = f"printf '{json.dumps(CREDENTIAL)}\\n' \"$(cut -d, -f1 {shlex.quote(str(file))})\""
        for name, script in (("gke-gcloud-auth-plugin", GCLOUD), ("aws", AWS)):
            _write(paths.root / "bin" / name, script.format(print=answer))


def _write(file: Path, content: str) -> None:
    if file.exists() and file.read_text() == content:
        return
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(content)
    fresh.chmod(0o755)
    fresh.replace(file)
