"""A world on one machine: regions, hosts and routers as network namespaces, with real control planes in them.

A test bed for the Pulumi program, and never part of it: nothing under `components/` or `stacks/` imports this package.
"""
