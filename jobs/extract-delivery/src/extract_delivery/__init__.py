"""Read the carriers' delivery events of one business day."""
