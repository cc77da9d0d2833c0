"""What the proof knows of Google Cloud."""
