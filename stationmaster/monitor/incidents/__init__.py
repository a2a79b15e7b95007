"""Incidents: what findings have one cause, what became of it, and who did what about it."""
