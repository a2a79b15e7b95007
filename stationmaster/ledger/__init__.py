"""The table of all attempts: what each asked for, used and produced, and why it ended."""
