"""Read customer support's tickets of one business day."""
