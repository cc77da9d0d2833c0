"""A stack as one page: regions on a map, what is in them, what joins them, and what verification found (`__main__`)."""
