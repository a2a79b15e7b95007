"""Run each step of an ETL pipeline as its own container, and know what became of it."""
