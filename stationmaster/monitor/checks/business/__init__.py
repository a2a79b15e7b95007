"""Checks of what people read: is it there, is it right, can they get it."""
