"""Kubeconfigs: the text of one without a credential in it, whose user asks the cloud's own command for a token; and
where the API server is that one names."""

import json
from collections.abc import Sequence
from pathlib import Path

from ..network.cluster_dns import is_text


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


def server(kubeconfig: str, context: str) -> str:
    """URL of the API server that a context of a kubeconfig leads to. `kubeconfig`: its path, or its text.

    Raises ValueError where there is no such file, context or cluster.
    """
    # Imported late, as few programs ask.
    import yaml

    text = kubeconfig
    if not is_text(kubeconfig):
        try:
            text = Path(kubeconfig).expanduser().read_text()
        except OSError as error:
            raise ValueError(f"no kubeconfig can be read at {kubeconfig}: {error.strerror}") from error
    document = yaml.safe_load(text) or {}
    try:
        cluster = next(each["context"]["cluster"] for each in document["contexts"] if each["name"] == context)
        return next(each["cluster"]["server"] for each in document["clusters"] if each["name"] == cluster)
    except (KeyError, StopIteration) as error:
        raise ValueError(f"the kubeconfig has no context {context} that leads to a cluster with a server") from error
