"""Merge all sources into one customer, and count customers once."""
