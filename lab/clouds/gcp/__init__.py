"""Models of the GCP resources that the program uses; importing this registers them."""
