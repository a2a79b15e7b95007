"""A job that prints what it is asked to."""
