"""Checks in three layers: what each looks for, and what it found."""
