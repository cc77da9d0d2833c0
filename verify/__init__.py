"""Verification of a running stack from inside every region: who reaches whom, by which name and certificate."""
