"""A restore drill: the newest backup, restored beside what runs, compared, and dropped again."""
