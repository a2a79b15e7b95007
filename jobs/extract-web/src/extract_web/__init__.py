"""Read the web shop's orders and sessions of one business day."""
