"""Spans of what monitoring does: looks, checks, messages that leave, pages of the dashboard."""
