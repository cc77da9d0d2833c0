"""AWS: a VPC per region, what joins them, and load balancers of the program's own."""
