"""The database's names and ports.

Each is said once, here, and never follows from config, so that no setting can rename a live object.
"""

APP = "cockroachdb"
"""The StatefulSet, its headless Service, its ServiceAccount, and the prefix of every other object of a region."""

PUBLIC_SERVICE = f"{APP}-public"
SQL_SERVICE = f"{APP}-sql"
JOIN_CONFIG_MAP = f"{APP}-join"
SCRIPTS_CONFIG_MAP = f"{APP}-scripts"
NODE_SECRET = f"{APP}-node"
ROLLOUT = f"{APP}-rollout"
INIT = f"{APP}-init"
SQL = f"{APP}-sql"
DECOMMISSION = f"{APP}-decommission"
RESTORE = f"{APP}-restore"
BACKUP = f"{APP}-backup"
BACKUP_LABEL = "cockroachdb-multiregion"
"""Of the schedule of backups, in SQL; those of other labels are other people's."""
AUTHORITY = f"{APP}-authority"
"""The ConfigMap with the CA certificate alone, for who has to trust the nodes and nothing more."""
AUTHORITY_CHECK = f"{APP}-authority-check"
JOIN_SERVICE = f"{APP}-join"
SIGNER = f"{APP}-signer"
"""The Deployment that signs the nodes' certificates, its ServiceAccount, and the Secret with what it signs with."""
VERIFY = f"{APP}-verify"
"""`app.kubernetes.io/name` of verification's probe pods, which the `verify` package makes."""

ROOT = "root"
VERIFIER = "verifier"
"""The SQL user that verification logs in as: it sees the cluster's id and membership and nothing else."""

RPC_PORT = 26257
"""SQL clients and nodes share it."""
HTTP_PORT = 8080

CERTS_DIR = "/cockroach/certs"
DATA_DIR = "/cockroach/cockroach-data"
JOIN_DIR = "/etc/cockroachdb/join"
ADDRESS_SUFFIX = ".address"
HTTP_ADDRESS_SUFFIX = ".http-address"
"""Of the files beside the join list that hold the address of one pod, or of the pod on one host."""
NAMES_FILE = "certificate-names"
"""Beside the join list: what every node's certificate names, one to a line, where pods ask for theirs."""
CERTIFICATES_FILE = "certificates.json"
"""Beside the join list: SQL user -> when its certificate ends."""
AUTHORITY_DIR = "/etc/cockroachdb/authority"
SCRIPTS_DIR = "/etc/cockroachdb/scripts"
ZONE_DIR = "/run/cockroachdb/zone"
TMP_DIR = "/tmp"  # noqa: S108  # an emptyDir, the only writable place of a container
CLIENT_CERTS_DIR = "/etc/cockroachdb/client"

VOLUME = "datadir"
"""The claim template; a node's claim is `datadir-cockroachdb-<ordinal>`."""

USER_ID = 1000
"""The uid, gid and fsGroup of every container here.

A key owned by root:1000 with mode 0440 passes CockroachDB's own check of key files.
"""

ZONE_LABEL = "topology.kubernetes.io/zone"
HOST_LABEL = "kubernetes.io/hostname"
TEMPLATE_ANNOTATION = "cockroachdb-multiregion/template"
"""Of pods on hosts of their own: a hash of all that their template says but for the hosts."""
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"


def selector_labels() -> dict[str, str]:
    """What selects the database's pods. A StatefulSet's selector is immutable: no setting reaches it."""
    return {"app.kubernetes.io/name": APP, "app.kubernetes.io/component": "database"}


def job_labels(component: str) -> dict[str, str]:
    """Labels of a Job's pods; they never match `selector_labels`."""
    return {"app.kubernetes.io/name": APP, "app.kubernetes.io/component": component}


def signer_name(namespace: str) -> str:
    """`spec.signerName` of the requests that a region's nodes make; no other region's signer looks at them."""
    return f"cockroachdb-multiregion.io/{namespace}"


def client_secret(user: str) -> str:
    """The Secret with a SQL user's client certificate."""
    return f"{APP}-client-{user}"
