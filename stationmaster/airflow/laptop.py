"""Airflow on a laptop: a folder, a sqlite file, no services."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["airflow_environment", "prepare_airflow", "run_pipeline"]

MIGRATED: Final = "migrated-to"
"""File that holds the Airflow version the database was last migrated to."""


def airflow_environment(
    home: Path, dags_folder: Path, *, variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for Airflow on this machine, all of its state below `home/airflow`."""
    folder = home.absolute() / "airflow"
    return {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        # Airflow allows 30 s, which a busy laptop's first import, uncompiled, may take.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder.absolute()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "STATIONMASTER_HOME": str(home.absolute()),
        "STATIONMASTER_RUNTIME": "process",
        "PYTHONWARNINGS": "ignore",
        **(variables or {}),
    }


def prepare_airflow(
    home: Path, dags_folder: Path, *, on_line: Callable[[str], None] = lambda _: None
) -> None:
    """Make Airflow's database, once per Airflow version.

    Args:
        home: Folder of all state.
        dags_folder: Where the DAG files are.
        on_line: Called with what there is to say.

    Raises:
        MisconfiguredError: Airflow could not make its database.
    """
    from importlib.metadata import version  # noqa: PLC0415 (only here)

    folder = home.absolute() / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    mark, wanted = folder / MIGRATED, version("apache-airflow-core")
    if mark.is_file() and (folder / "airflow.db").is_file() and mark.read_text() == wanted:
        return
    on_line(f"Making Airflow's database in {folder}")
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=airflow_environment(home, dags_folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MisconfiguredError(
            where=f"Airflow's database in {folder}",
            expected="`airflow db migrate` to make it",
            got=(done.stderr or done.stdout)[-500:],
            hint=f"Remove {folder} and try again.",
        )
    mark.write_text(wanted)


def run_pipeline(  # noqa: PLR0913 (where, what, when, and how to tell)
    pipeline: str,
    business_dates: Sequence[dt.date],
    *,
    home: Path | None = None,
    dags_folder: Path = Path("dags"),
    variables: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = print,
) -> bool:
    """Run a pipeline through Airflow for business dates, in order; tell whether all succeeded.

    Args:
        pipeline: DAG id; its file is `<dags_folder>/<pipeline>.py`.
        business_dates: The days to work on; each runs as at 06:00 of the next morning.
        home: Folder of all state; the setting by default.
        dags_folder: Where the DAG files are.
        variables: Environment on top of this process's own.
        on_line: Called with each line of progress as it comes.

    Raises:
        MisconfiguredError: There is no such file, or Airflow could not make its database.
    """
    home = home or Settings().home
    file = dags_folder / f"{pipeline}.py"
    if not file.is_file():
        raise MisconfiguredError(
            where=f"pipeline {pipeline!r}",
            expected=f"the DAG file {file}",
            got="no such file",
            hint="Run it from the project's folder, or correct the name.",
        )
    prepare_airflow(home, dags_folder, on_line=on_line)
    days = [day.isoformat() for day in business_dates]
    module = "stationmaster.airflow.testrun"
    with subprocess.Popen(  # noqa: S603 (this interpreter, our own module)
        [sys.executable, "-m", module, str(file.absolute()), pipeline, *days],
        env=airflow_environment(home, dags_folder, variables=variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                on_line(line.rstrip("\n"))
        except BaseException:
            # Ctrl-C reached it too; SIGTERM and an error of `on_line` did not.
            process.send_signal(signal.SIGINT)
            process.communicate()
            raise
    return process.returncode == 0
