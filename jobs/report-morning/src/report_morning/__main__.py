"""Run the job as a step."""

from report_morning.job import run

run.main()
