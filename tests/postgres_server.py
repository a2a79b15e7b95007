"""A real Postgres server on a unix socket, for as long as a test session needs it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PostgresServer", "running_postgres"]

PORT = 5432
"""Only part of the socket's name: the server listens on no network."""


class PostgresServer:
    """Hold one server below a folder of its own; Postgres refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user, pwd.getpwnam(self._user).pw_gid)

    def uri(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URI of a database."""
        return f"postgresql://stationmaster@/{database}?host={self.folder}&port={PORT}"

    def new_database(self) -> str:
        """Make an empty database and return its URI."""
        name = f"ledger_{uuid.uuid4().hex[:12]}"
        self._run("createdb", f"--host={self.folder}", "--username=stationmaster", name)
        return self.uri(name)

    def initialize(self) -> None:
        """Make the server's files."""
        data = f"--pgdata={self.folder / 'data'}"
        rules = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run("initdb", data, "--username=stationmaster", *rules)

    def start(self, *, durable: bool = False) -> None:
        """Start it and wait until it answers; a durable one waits for the disk at each commit."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        options += "" if durable else " -c fsync=off"
        log = f"--log={self.folder / 'log'}"
        self._run("pg_ctl", "start", "--wait", f"--options={options}", log, self._data)

    def stop(self) -> None:
        """Stop it at once, as a crash would; its files stay."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate", self._data)

    @property
    def is_running(self) -> bool:
        """Tell whether it was started, and not stopped since."""
        return (self.folder / "data" / "postmaster.pid").exists()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes for a while: it accepts connections, and never answers."""
        postmaster = psutil.Process(self._pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            _signal(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                _signal(process, signal.SIGCONT)

    @property
    def _data(self) -> str:
        return f"--pgdata={self.folder / 'data'}"

    def _pid(self) -> int:
        lines = (self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0])

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(_programs() / program), *arguments]
        done = subprocess.run(
            command,
            check=False,
            user=self._user,
            cwd=self.folder,
            # The server outlives pg_ctl: with a pipe we would wait for its end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            message = f"{' '.join(command)} ended with {done.returncode}"
            raise RuntimeError(message)


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server in a new folder; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sm-postgres-"))  # a socket's path is 107 bytes at most
    server = PostgresServer(folder)
    try:
        server.initialize()
        server.start(durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # a connection that was just being closed
        process.send_signal(number)


def _programs() -> Path:
    """Return the folder of the newest Postgres server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major)
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        message = "No Postgres server here: install Debian's package postgresql (15 or later)."
        raise RuntimeError(message)
    return found[-1].parent if found else Path(str(on_path)).parent


def _major(path: Path) -> int:
    return int(path.parts[-3])
