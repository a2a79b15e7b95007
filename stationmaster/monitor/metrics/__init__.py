"""What Prometheus reads of us: sums and states of the ledger and of monitoring."""
