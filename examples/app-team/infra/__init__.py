"""The app team's program: what it takes from the database's stack, and what it runs in each region."""
