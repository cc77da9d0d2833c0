"""The program: read and check the config, declare the stack, export the contract."""

import sys

import pulumi

from components.plan.model import ConfigError
from stacks import settings
from stacks.multiregion import multi_region
from stacks.outputs import outputs


def main() -> None:
    try:
        stack_settings, plan = settings.from_pulumi()
    except ConfigError as error:
        # One line each, before any resource; a traceback would bury them.
        for problem in error.problems:
            pulumi.log.error(str(problem))
        sys.exit(1)
    stack = multi_region(stack_settings, plan, settings.license_key())
    for name, value in outputs(stack).items():
        pulumi.export(name, value)


main()
