"""A small app of one team: it books payments in the region where they are made, and reads every region's books."""
