"""What runs inside a probe pod: standard library only, Python 3.9 or newer, mounted as files from a ConfigMap.

Nothing here judges. Every module measures and reports JSON; `verify.judge` decides what a measurement means.
"""
