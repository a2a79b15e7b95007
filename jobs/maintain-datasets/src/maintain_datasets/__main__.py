"""Run the job by the step contract."""

from maintain_datasets.job import run

run.main()
