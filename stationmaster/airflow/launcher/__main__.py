"""`python -m stationmaster.airflow.launcher PARENT_PID`: started by StepExecutor, not by people."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

LAST_LINES_SECONDS: Final = 5.0
LAST_SPANS_SECONDS: Final = 3.0


async def serve(out: int) -> None:
    """Serve the orders that come by stdin."""
    from stationmaster.airflow.launcher.api import TaskApi  # noqa: PLC0415 (Airflow: seconds)
    from stationmaster.airflow.launcher.platform import StepsPlatform  # noqa: PLC0415 (as above)
    from stationmaster.airflow.launcher.preparing import Preparation  # noqa: PLC0415 (as above)
    from stationmaster.airflow.launcher.process import (  # noqa: PLC0415 (as above)
        LONGEST_LINE,
        Launcher,
    )
    from stationmaster.airflow.launcher.services import Services  # noqa: PLC0415 (as above)
    from stationmaster.airflow.launcher.tracing import flush, traced  # noqa: PLC0415 (as above)
    from stationmaster.airflow.logs.platform import PlatformLogs  # noqa: PLC0415 (as above)
    from stationmaster.airflow.sizing import size_book  # noqa: PLC0415 (as above)
    from stationmaster.ledger.recorder import Recorder  # noqa: PLC0415 (as above)
    from stationmaster.ledger.store import Ledger  # noqa: PLC0415 (as above)
    from stationmaster.step.settings import Settings  # noqa: PLC0415 (as above)

    settings = Settings()
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    os.set_blocking(out, False)
    api = TaskApi()
    await asyncio.to_thread(api.warm_up)
    logs = PlatformLogs.from_settings()
    ledger = Ledger.open(settings.ledger_location)
    async with (
        Recorder(ledger, settings.home / "ledger-spool.jsonl") as recorder,
        StepsPlatform(settings, recorder.record, ledger) as platform,
        traced(platform.record, platform.cluster) as platform.record,
    ):
        preparation = Preparation(api, settings, ledger, size_book(settings, learns=True))
        services = Services(api, preparation, platform, logs)
        await Launcher(services, settings.steps_namespace, reader, out).serve()
    await asyncio.to_thread(logs.close, LAST_LINES_SECONDS)
    await flush(LAST_SPANS_SECONDS)


def main(arguments: list[str]) -> int:
    """Serve until told to stop."""
    # Whatever prints must not end up among the reports; Airflow prints while it is imported.
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from stationmaster.airflow.launcher.process import die_with_parent  # noqa: PLC0415 (as above)

    die_with_parent(int(arguments[0]))
    asyncio.run(serve(out))
    return 0


if __name__ == "__main__":
    # Threads may still wait for a database: they hold nothing that is worth waiting for.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
