"""Run the job as a step."""

from __future__ import annotations

from merge_customers.job import run

run.main()
