"""What the proof knows of AWS."""
