"""How long the program takes, and why: against the critical path of its own graph, and as regions are added."""
