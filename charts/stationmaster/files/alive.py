"""Tell the kubelet whether this pod's Airflow job still beats; imports no Airflow, for speed.

Usage: python alive.py JOB_TYPE SECONDS. Ends with 1 when the pod's newest job has not beaten for
that long. A database that cannot be asked is no reason to restart a pod: that ends with 0.
"""

from __future__ import annotations

import os
import sys

import psycopg2  # type: ignore[import-untyped]  # (has no types)

QUESTION = """
    SELECT EXTRACT(EPOCH FROM (now() - max(latest_heartbeat))) FROM job
    WHERE job_type = %s AND hostname = %s AND state = 'running'
"""


def seconds_since_heartbeat(uri: str, job_type: str, hostname: str) -> float | None:
    """Return the seconds since the newest heartbeat, None when there is no running job.

    Raises:
        psycopg2.Error: The database does not answer.
    """
    connection = psycopg2.connect(uri.replace("+psycopg2", "", 1), connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute(QUESTION, (job_type, hostname))
            row = cursor.fetchone()
            return None if row is None or row[0] is None else float(row[0])
    finally:
        connection.close()


def main(job_type: str, limit_seconds: float) -> int:
    """Return 0 when the job beats or the database is silent, else 1."""
    uri, hostname = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], os.environ["POD_IP"]
    try:
        silent_for = seconds_since_heartbeat(uri, job_type, hostname)
    except psycopg2.Error as problem:
        sys.stdout.write(f"the database does not answer, so nothing is known: {problem}\n")
        return 0
    if silent_for is None:
        sys.stdout.write(f"no running {job_type} on {hostname}\n")
        return 1
    sys.stdout.write(f"{job_type} on {hostname} beat {silent_for:.0f} s ago\n")
    return int(silent_for > limit_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
