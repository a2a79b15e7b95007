"""Watch what runs: checks, series, alerts."""
