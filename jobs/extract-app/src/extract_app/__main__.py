"""Run the job by the step contract."""

from extract_app.job import run

run.main()
