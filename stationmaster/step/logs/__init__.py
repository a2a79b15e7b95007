"""A step's log on its way to the store: cut, masked, kept in chunks, never waited for."""
