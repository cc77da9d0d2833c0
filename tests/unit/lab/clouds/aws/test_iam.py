"""IAM and KMS."""

from __future__ import annotations

import json
import re

import pytest

from lab.clouds.aws import tokens
from tests.unit.lab.clouds.aws.places import MANAGED, refused, role, trust, undeletable
from tests.unit.lab.clouds.world import World

PODS = "pods.eks.amazonaws.com"

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::backups/*"}


def document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_names_of_a_role(aws: World) -> None:
    made = role(aws, "hosts", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
    assert re.fullmatch(r"hosts-[0-9a-f]{7}", made.id)
    assert made["arn"] == f"arn:aws:iam::123456789012:role/{made.id}"
    assert re.fullmatch(r"AROA[0-9A-F]{17}", made["uniqueId"])
    [link] = aws.store.snapshot()["aws"].all(tokens.ROLE_POLICY_ATTACHMENT)
    assert re.fullmatch(rf"{made.id}-\d{{26}}", link.id)


def test_a_role_is_there_once_and_goes_last(aws: World) -> None:
    made = role(aws, "hosts", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
    said = refused(aws, tokens.ROLE, "again", name=made.id, assumeRolePolicy=trust(PODS))
    assert said.endswith(f"EntityAlreadyExists: Role with name {made.id} already exists.")
    said = undeletable(aws, made)
    assert said.endswith("DeleteConflict: Cannot delete entity, must detach all policies first.")
    [link] = aws.store.snapshot()["aws"].all(tokens.ROLE_POLICY_ATTACHMENT)
    inside = aws.create(tokens.ROLE_POLICY, "inside", role=made.id, policy=document(**ALLOW))
    assert inside.id == f"{made.id}:{inside['name']}"
    aws.delete(link)
    assert undeletable(aws, made).endswith("DeleteConflict: Cannot delete entity, must delete policies first.")
    aws.delete(inside)
    aws.delete(made)


def test_a_policy_is_a_document(aws: World) -> None:
    _, problems = aws.check(tokens.ROLE, "r", assumeRolePolicy="{")
    assert problems[0][1].startswith('"assumeRolePolicy" contains an invalid JSON policy')
    _, problems = aws.check(tokens.POLICY, "p", policy="[]")
    assert problems[0][0] == "policy"
    said = refused(aws, tokens.ROLE, "r", assumeRolePolicy=document(**ALLOW))
    assert "MalformedPolicyDocument" in said
    said = refused(aws, tokens.POLICY, "p", policy=document(**ALLOW, Principal="*"))
    assert said.endswith("MalformedPolicyDocument: Policy document should not specify a principal.")


def test_only_policies_that_there_are(aws: World) -> None:
    made = role(aws, "csi", PODS)
    wrong = f"{MANAGED}AmazonEBSCSIDriverPolicy"
    said = refused(aws, tokens.ROLE_POLICY_ATTACHMENT, "a", role=made.id, policyArn=wrong)
    assert said.endswith(f"NoSuchEntity: Policy {wrong} does not exist or is not attachable.")
    right = f"{MANAGED}service-role/AmazonEBSCSIDriverPolicy"
    aws.create(tokens.ROLE_POLICY_ATTACHMENT, "a", role=made.id, policyArn=right)
    said = refused(aws, tokens.ROLE_POLICY_ATTACHMENT, "a", role="nobody", policyArn=right)
    assert said.endswith("NoSuchEntity: The role with name nobody cannot be found.")


def test_a_policy_of_the_account(aws: World) -> None:
    policy = aws.create(tokens.POLICY, "backups", policy=document(**ALLOW))
    assert re.fullmatch(r"arn:aws:iam::123456789012:policy/backups-[0-9a-f]{7}", policy.id)
    said = refused(aws, tokens.POLICY, "b", name=policy["name"], policy=document(**ALLOW))
    assert "EntityAlreadyExists" in said
    made = role(aws, "pods", PODS)
    aws.create(tokens.ROLE_POLICY_ATTACHMENT, "a", role=made.id, policyArn=policy.id)
    assert undeletable(aws, policy).endswith("DeleteConflict: Cannot delete a policy attached to entities.")


def test_a_role_has_ten_managed_policies(aws: World) -> None:
    made = role(aws, "pods", PODS)
    for number in range(11):
        policy = aws.create(tokens.POLICY, f"p{number}", policy=document(**ALLOW))
        inputs = {"role": made.id, "policyArn": policy.id}
        if number < 10:
            aws.create(tokens.ROLE_POLICY_ATTACHMENT, f"a{number}", **inputs)
        else:
            said = refused(aws, tokens.ROLE_POLICY_ATTACHMENT, "a", **inputs)
            assert said.endswith("LimitExceeded: Cannot exceed quota for PoliciesPerRole: 10")


def test_roles_are_counted(aws: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CLOUD_QUOTAS", "aws.roles=1")
    role(aws, "one", PODS)
    said = refused(aws, tokens.ROLE, "two", assumeRolePolicy=trust(PODS))
    assert said.endswith("LimitExceeded: Cannot exceed quota for RolesPerAccount: 1")


def test_keys_and_aliases(aws: World) -> None:
    key = aws.create(tokens.KEY, "secrets", enableKeyRotation=True)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key.id)
    assert key["arn"] == f"arn:aws:kms:us-east-1:123456789012:key/{key.id}"
    alias = aws.create(tokens.KEY_ALIAS, "secrets", name="alias/secrets", targetKeyId=key.id)
    assert alias.id == "alias/secrets" and alias["targetKeyArn"] == key["arn"]
    said = refused(aws, tokens.KEY_ALIAS, "again", name="alias/secrets", targetKeyId=key.id)
    assert said.endswith(f"AlreadyExistsException: An alias with the name {alias['arn']} already exists")
    said = refused(aws, tokens.KEY_ALIAS, "far", region="eu-west-1", name="alias/far", targetKeyId=key["arn"])
    assert "NotFoundException" in said
    _, problems = aws.check(tokens.KEY_ALIAS, "a", name="secrets", targetKeyId=key.id)
    assert problems[0][0] == "name"
    _, problems = aws.check(tokens.KEY, "k", deletionWindowInDays=3)
    assert problems[0][0] == "deletionWindowInDays"
