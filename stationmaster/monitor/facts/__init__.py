"""What checks look at: read-only facts of the ledger, Airflow, the cluster and the stores."""
