"""The program: read and check the config, declare the stack, export the contract."""

import pulumi

from stacks import settings
from stacks.multiregion import multi_region
from stacks.outputs import outputs

stack_settings, plan = settings.from_pulumi()
stack = multi_region(stack_settings, plan, settings.license_key(), settings.strategy_secrets(stack_settings.strategy))
for name, value in outputs(stack).items():
    pulumi.export(name, value)
