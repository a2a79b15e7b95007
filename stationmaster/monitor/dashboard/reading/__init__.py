"""What pages show, read from the ledger by bounded questions."""
