"""What a drill puts into the namespace of one region: a ConfigMap and a pod, which go with each other. Pure."""

import json
from pathlib import Path
from typing import Any

from components.database import jobs, names
from components.database.fragments import pod_security
from verify import manifests as probes

FOLDER = "/opt/drill"
_HERE = Path(__file__).parent


def sources() -> dict[str, str]:
    """File -> text: the drill's own program, and the probe's protocol."""
    protocol = {f"probe_{name}": text for name, text in probes.sources().items()}
    return {"restore.py": (_HERE / "restore.py").read_text(encoding="utf-8"), **protocol}


def given(uri: str, databases: list[str], host: str, port: int, run: str) -> dict[str, Any]:
    """The program's input."""
    stem = f"{names.CLIENT_CERTS_DIR}/client.{names.ROOT}"
    return {
        "version": probes.PROBE_VERSION,
        "run": run,
        "uri": uri,
        "databases": databases,
        "host": host,
        "port": port,
        "credentials": {
            "user": names.ROOT,
            "ca": f"{names.CLIENT_CERTS_DIR}/ca.crt",
            "certificate": f"{stem}.crt",
            "key": f"{stem}.key",
        },
    }


def config_map(namespace: str, run: str, program_input: dict[str, Any], owner: str, expires: int) -> dict[str, Any]:
    """The program and its input. Labels are verification's, which clears away what a killed drill leaves."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{probes.APP}-{run}",
            "namespace": namespace,
            "labels": probes.labels(run),
            "annotations": {probes.OWNER_ANNOTATION: owner, probes.EXPIRES_ANNOTATION: str(expires)},
        },
        "data": {**sources(), "input.json": json.dumps(program_input, separators=(",", ":"))},
    }


def pod(namespace: str, image: str, run: str, deadline: int, root_uid: str) -> dict[str, Any]:
    """The pod, with root's certificate: nobody else may restore, and drop what was restored."""
    name = f"{probes.APP}-{run}"
    files = [
        {"key": key, "path": f"probe/{key.removeprefix('probe_')}" if key.startswith("probe_") else key}
        for key in (*sources(), "input.json")
    ]
    mounts = [jobs.client_mount(), {"name": "drill", "mountPath": FOLDER, "readOnly": True}]
    container = jobs.container("probe", image, ["python3", "-B", f"{FOLDER}/restore.py"], {}, mounts)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-drill",
            "namespace": namespace,
            "labels": probes.labels(run),
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": root_uid}],
        },
        "spec": {
            "activeDeadlineSeconds": deadline,
            "terminationGracePeriodSeconds": 1,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": pod_security(),
            "containers": [container],
            "volumes": [
                jobs.client_volume(names.ROOT),
                {"name": "drill", "configMap": {"name": name, "items": files}},
                {"name": "tmp", "emptyDir": {}},
            ],
        },
    }
