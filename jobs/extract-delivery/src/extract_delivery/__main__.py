"""Run the job by the step contract."""

from extract_delivery.job import run

run.main()
