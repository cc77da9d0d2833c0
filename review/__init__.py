"""What reviewers read of a `pulumi preview --json`: what changes per region, what restarts, what is refused and why."""
