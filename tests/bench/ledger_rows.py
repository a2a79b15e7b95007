"""Ten million attempts, made inside Postgres: a year of 100 pipelines with 20 steps each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DAYS", "PIPELINES", "STEPS", "fill", "fill_sums"]

DAYS: Final = 365
PIPELINES: Final = 100
STEPS: Final = 20
AT_ONCE: Final = 500_000
SHAPE: Final = {"days": DAYS, "pipelines": PIPELINES, "steps": STEPS}

ROWS: Final = r"""
INSERT INTO attempt (version, kind, try_id, shard, attempt, pipeline, run_id, step, map_index,
    try_number, shards, job, business_date, trace_id, team, image, image_digest, namespace,
    pod_name, pod_uid, node, queued_at, created_at, scheduled_at, started_at, finished_at,
    recorded_at, asked_cpu_millicores, asked_memory_bytes, size_class, instance_type,
    capacity_type, region, zone, node_cpu_millicores, node_memory_bytes, node_price_per_hour,
    price_currency, price_note, verdict, exit_code, sentence, wall_seconds, cpu_seconds,
    peak_memory_bytes, rows_read, rows_written, bytes_read, bytes_written, result, measured_by)
SELECT 1, 'pod', '019a' || lpad(to_hex(n), 12, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'),
    0, 1, 'pipeline_' || (n / :steps) % :pipelines,
    'scheduled__' || to_char(day, 'YYYY-MM-DD') || 'T' || (n / (:steps * :pipelines)) % 24,
    'step_' || n % :steps, -1, 1, 1, 'job-' || n % 40, day\:\:date - 1, md5(n\:\:text),
    'team-' || (n / :steps) % :pipelines % 7, 'registry/job:' || n % 40,
    'sha256:' || md5((n % 40)\:\:text) || md5((n % 40)\:\:text), 'stationmaster-steps',
    'job-' || to_hex(n), md5('u' || n), 'node-' || n % 50, day, day + interval '1 s',
    day + interval '3 s', day + interval '8 s', day + interval '8 s' + r * interval '300 s', day
    + interval '9 s' + r * interval '300 s', 500, 2147483648, 's', 'm5.large',
    CASE WHEN n % :steps % 3 = 0 AND r < 0.98 THEN 'spot' ELSE 'on-demand' END,
    'us-east-1', 'us-east-1a', 2000, 8589934592, 0.096, 'USD',
    'm5.large on-demand by the price list', CASE WHEN r > 0.03 THEN 'succeeded' WHEN r > 0.02
    THEN 'out_of_memory' WHEN r > 0.01 THEN 'evicted' ELSE 'step_failed' END,
    CASE WHEN r > 0.03 THEN 0 ELSE 1 END, CASE WHEN r > 0.03 THEN '' ELSE
    'It used all of its 2 GiB.' END, r * 300, r * 200, (r * 9e8)\:\:bigint, n % 100000,
    n % 100000, n % 9000000, n % 9000000,
    jsonb_build_object('protocol', 1, 'status', 'done', 'phase', 'done',
    'measurements', jsonb_build_object('wall_seconds', r * 300, 'cpu_seconds', r * 200,
    'peak_memory_bytes', (r * 9e8)\:\:bigint, 'rows_written', n % 100000)), 'step'
FROM (SELECT n, random() AS r, now() - interval '1 s' * (:days * 86400.0 * (:rows - n) / :rows)
    - interval '310 s' AS day FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
) AS drawn
"""


def fill(engine: sa.Engine, rows: int, say: Callable[[str], None]) -> None:
    """Fill the table as a ledger that recorded for a year; indexes are made afterwards."""
    with engine.begin() as connection:
        indexes = list(connection.execute(sa.text(INDEXES)).mappings())
        for index in indexes:
            connection.exec_driver_sql(f'DROP INDEX "{index["indexname"]}"')
        connection.exec_driver_sql("ALTER TABLE attempt DROP CONSTRAINT attempt_pkey")
    for first in range(1, rows + 1, AT_ONCE):
        last = min(first + AT_ONCE - 1, rows)
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            told = {"rows": rows, "first": first, "last": last, **SHAPE}
            connection.execute(sa.text(ROWS), told)
        say(f"{last:,} rows")
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        key = "ALTER TABLE attempt ADD CONSTRAINT attempt_pkey PRIMARY KEY (try_id, shard, attempt)"
        connection.exec_driver_sql(key)
        for index in indexes:
            connection.exec_driver_sql(index["indexdef"])
            say(str(index["indexname"]))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE attempt")


INDEXES: Final = """SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'attempt' AND indexname <> 'attempt_pkey'"""

SUMS: Final = """
INSERT INTO step_day SELECT day, 'pipeline_' || p, 'step_' || s, verdict, 'team-' || p % 7,
    CASE WHEN s % 3 = 0 THEN 'spot' ELSE 'on-demand' END, 14, 14, 900000000, 700000, 700000,
    63000000, 63000000, 2000, 100, 1300, 4e12, 2e12, 0.05
FROM generate_series(current_date - CAST(:days AS int), current_date, interval '1 day') AS day,
    generate_series(0, CAST(:pipelines AS int) - 1) AS p,
    generate_series(0, CAST(:steps AS int) - 1) AS s,
    unnest(ARRAY['succeeded', 'out_of_memory', 'evicted', 'step_failed']) AS verdict
WHERE verdict = 'succeeded' OR abs(hashtext(day || verdict || p * 100 + s)) % 100 < 15
"""
"""What ten million attempts are summed up to: of 14 attempts of a step on a day one in eight days
each failed in one of three ways."""


def fill_sums(engine: sa.Engine) -> None:
    """Fill the tables of sums as ten million attempts would, without these."""
    with engine.begin() as connection:
        connection.execute(sa.text(SUMS), SHAPE)
        connection.exec_driver_sql(
            "INSERT INTO pipeline_day SELECT day, pipeline, verdict, team, capacity_type, "
            "sum(attempts), sum(priced_attempts), max(peak_memory_bytes), sum(rows_read), "
            "sum(rows_written), sum(bytes_read), sum(bytes_written), sum(wall_seconds), "
            "sum(waited_seconds), sum(cpu_seconds), sum(asked_byte_seconds), "
            "sum(peak_byte_seconds), sum(cost_usd) FROM step_day "
            "GROUP BY day, pipeline, verdict, team, capacity_type"
        )
        connection.exec_driver_sql(
            "INSERT INTO rolled_day SELECT DISTINCT day, now(), false, "
            "CASE WHEN day = current_date THEN now() - interval '10 min' END FROM step_day"
        )
