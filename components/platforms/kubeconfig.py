"""The text of a kubeconfig without a credential in it: who uses it asks the cloud's own command for a token."""

import json
from collections.abc import Sequence


def exec_kubeconfig(context: str, endpoint: str, ca_certificate: str, command: str, args: Sequence[str] = ()) -> str:
    """A kubeconfig with one cluster, user and context, all called `context`, as JSON (which is YAML).

    `endpoint`: host, or host:port. `ca_certificate`: PEM in base64, as clouds give it. `command` with `args` prints an
    ExecCredential; it never asks its user anything.
    """
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command,
        "args": list(args),
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    cluster = {
        "server": endpoint if endpoint.startswith("https://") else f"https://{endpoint}",
        "certificate-authority-data": ca_certificate,
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": {"exec": plugin}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            "current-context": context,
        }
    )
