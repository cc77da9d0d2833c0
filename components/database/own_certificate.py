"""How a pod gets a certificate for its own address, rendered from plain values."""

from . import jobs, names
from .fragments import Manifest, api_mount, container_security, scripts_mount, small_resources

DEADLINE_SECONDS = 300
"""For one request. The kubelet starts the container again after that, with a new one."""


def add(spec: Manifest, namespace: str, image: str) -> None:
    """Give a pod spec what gets its certificate before the database starts, and what renews it.

    The key is made in the pod and lies in its memory. What renews is a container like any other, not a sidecar in the
    API's sense: it works on every Kubernetes, and nothing waits for it.
    """
    spec["initContainers"].append(_container("certificate", namespace, image, renew=False))
    spec["containers"].append(_container("certificate-renewal", namespace, image, renew=True))
    spec["volumes"] += [
        {"name": "certs", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        jobs.authority_volume(),
        {"name": "certificate-tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]


def _field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _container(name: str, namespace: str, image: str, *, renew: bool) -> Manifest:
    values = {
        "NAMESPACE": namespace,
        "SIGNER_NAME": names.signer_name(namespace),
        "NAMES_FILE": f"{names.JOIN_DIR}/{names.NAMES_FILE}",
        "AUTHORITY_FILE": f"{names.AUTHORITY_DIR}/ca.crt",
        "CERTS_DIR": names.CERTS_DIR,
        "DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        "RENEW": "true" if renew else "false",
        "HOME": names.TMP_DIR,
    }
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", f"{names.SCRIPTS_DIR}/certificate.py"],
        "env": [
            _field("POD_NAME", "metadata.name"),
            _field("POD_IP", "status.podIP"),
            *({"name": key, "value": value} for key, value in values.items()),
        ],
        "resources": small_resources(),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            api_mount(),
            scripts_mount(),
            jobs.join_mount(),
            {**jobs.authority_mount(), "mountPath": names.AUTHORITY_DIR},
            {"name": "certs", "mountPath": names.CERTS_DIR},
            {"name": "certificate-tmp", "mountPath": names.TMP_DIR},
        ],
    }
