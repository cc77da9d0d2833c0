"""An app in every region of somebody else's database: reads its stack's outputs, runs the app beside its nodes."""

import pulumi
from infra.database import DatabaseStack
from infra.region import RegionalApp, RegionalLogin, schema

config = pulumi.Config()
image, database = config.require("image"), DatabaseStack(config.require("databaseStack"))
logins = [
    RegionalLogin(
        region,
        {
            "kubeconfig": config.require("kubeconfig"),
            "context": context,
            "namespace": config.require("namespace"),
            "client": database.client(config.require("database"), region),
        },
    )
    for region, context in config.require_object("regions").items()
]
tables = schema(logins[0], image)
for login in logins:
    RegionalApp(
        login.region, {"login": login, "image": image, "replicas": config.require_int("replicas"), "after": [tables]}
    )
pulumi.export("endpoints", {login.region: login.url for login in logins})
