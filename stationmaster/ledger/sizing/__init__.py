"""Sizes of steps from their own history: recommend, apply, replay; pure functions over rows."""
