"""Expire snapshots, remove orphan files and compact small ones."""
