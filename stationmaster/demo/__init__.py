"""`make demo`: from real orders to the morning report on this machine, and what came out."""
