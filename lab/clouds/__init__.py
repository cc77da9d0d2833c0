"""The lab's clouds: stand-ins for the `gcp` and `aws` providers, with a cloud's state, that shape the lab's network."""
