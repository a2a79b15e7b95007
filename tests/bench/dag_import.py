"""What reading the DAG file costs beyond importing KubernetesPodOperator, in milliseconds.

Alternates seven pairs of fresh processes and prints the medians as JSON. Counts CPU time: what a
busy machine does beside it is not the DAG file's doing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAIRS = 7
CLOCK = "import time; began = time.process_time()\n{body}\nprint(time.process_time() - began)"
OPERATOR = (
    "from airflow.sdk import DAG\n"
    "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator"
)
DAG_FILE = f"import runpy; runpy.run_path({str(ROOT / 'dags' / 'morning_analytics.py')!r})"


def milliseconds(body: str, home: str) -> float:
    """Return the CPU time a fresh process takes for a piece of code, its own start not counted."""
    ended = subprocess.run(
        [sys.executable, "-c", CLOCK.format(body=body)],
        cwd=ROOT,
        env={
            "AIRFLOW_HOME": home,
            "PATH": "/usr/bin:/bin",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ended.stdout.splitlines()[-1]) * 1000


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        milliseconds(OPERATOR, home)  # makes Airflow's configuration, fills the disk's cache
        pairs = [(milliseconds(OPERATOR, home), milliseconds(DAG_FILE, home)) for _ in range(PAIRS)]
    document = {
        "operator_ms": round(statistics.median(operator for operator, _ in pairs), 1),
        "dag_file_ms": round(statistics.median(dag for _, dag in pairs), 1),
        "beyond_ms": round(statistics.median(dag - operator for operator, dag in pairs), 1),
        "ratio": round(statistics.median(dag / operator for operator, dag in pairs), 3),
        "pairs": PAIRS,
    }
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
