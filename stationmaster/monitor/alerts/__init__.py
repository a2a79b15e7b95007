"""Alerts: who is told of an incident, when, by which channel, and in which words."""
