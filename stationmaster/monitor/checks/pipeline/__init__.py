"""Checks of pipelines: late, stuck, failing, slower, dearer, or heading for it."""
