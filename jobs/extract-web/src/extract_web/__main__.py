"""Run the job by the step contract."""

from extract_web.job import run

run.main()
