"""The contract with app teams as data: docs/outputs.md is made from it, and the program's outputs are held against it.

`stacks/contract/versions/N.json` is what version N has promised.
"""

from .outputs import OUTPUTS, VERSION, Output, breaks, promised, unworded
from .shapes import closed

__all__ = ["OUTPUTS", "VERSION", "Output", "breaks", "closed", "promised", "unworded"]
