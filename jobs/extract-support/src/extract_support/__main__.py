"""Run the job by the step contract."""

from extract_support.job import run

run.main()
