"""The mesh's own certificates: one root for all regions, an authority below it in each. None of CockroachDB's."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_tls as tls

ALGORITHM = "ECDSA"
CURVE = "P256"
_HOURS_PER_DAY = 24
ROOT_DAYS = 3652
"""Ten years, as CockroachDB's authority: never renewed by itself, which would need an overlap."""
REGION_DAYS = 365
RENEW_DAYS = 60
"""A region's authority is made anew by any `up` within this time before its end; its control plane reloads it."""
_USES = ["digital_signature", "cert_signing", "crl_signing"]


class MeshRootArgs(TypedDict):
    """The mesh's root."""

    mesh_id: str
    """Name of the mesh: part of the certificate's subject."""
    protect: NotRequired[bool]
    """Refuse to delete its key, without which every sidecar of the mesh would lose every other. Default true."""


class MeshRoot(pulumi.ComponentResource):
    """What all sidecars trust. Its key stays in the encrypted state, in no cluster."""

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """The signing key, PEM, a secret: for the regions' authorities, and for nothing in a cluster."""

    def __init__(self, name: str, args: MeshRootArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:MeshRoot", name, {}, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=args.get("protect", True))
        key = tls.PrivateKey(f"{name}-key", algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=kept)
        self.private_key = pulumi.Output.secret(key.private_key_pem)
        self.certificate = tls.SelfSignedCert(
            f"{name}-certificate",
            private_key_pem=self.private_key,
            is_ca_certificate=True,
            set_subject_key_id=True,
            subject={"common_name": f"Root CA {args['mesh_id']}", "organization": "Istio"},
            allowed_uses=_USES,
            validity_period_hours=ROOT_DAYS * _HOURS_PER_DAY,
            opts=kept,
        ).cert_pem
        self.register_outputs({"certificate": self.certificate, "private_key": self.private_key})


class MeshAuthorityArgs(TypedDict):
    """One region's."""

    root_certificate: pulumi.Input[str]
    """PEM."""
    root_private_key: pulumi.Input[str]
    """PEM: a secret."""
    region: str
    """Name of the region, part of the certificate's subject."""


class MeshAuthority(pulumi.ComponentResource):
    """What a region's control plane signs its sidecars' certificates with."""

    certificate: pulumi.Output[str]
    """PEM."""
    private_key: pulumi.Output[str]
    """PEM, a secret."""

    def __init__(self, name: str, args: MeshAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cockroachdb-multiregion:index:MeshAuthority", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm=ALGORITHM, ecdsa_curve=CURVE, opts=child)
        self.private_key = pulumi.Output.secret(key.private_key_pem)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=self.private_key,
            subject={"common_name": f"Intermediate CA {args['region']}", "organization": "Istio"},
            opts=child,
        )
        self.certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=args["root_certificate"],
            ca_private_key_pem=pulumi.Output.secret(args["root_private_key"]),
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=_USES,
            validity_period_hours=REGION_DAYS * _HOURS_PER_DAY,
            early_renewal_hours=RENEW_DAYS * _HOURS_PER_DAY,
            opts=child,
        ).cert_pem
        self.register_outputs({"certificate": self.certificate, "private_key": self.private_key})
