"""Checks over the infrastructure: what everything runs on."""
