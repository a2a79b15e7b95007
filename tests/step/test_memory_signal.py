"""The port by which a step says that its memory gets short."""

from __future__ import annotations

import socket

import pytest

from stationmaster.step.memorysignal import MemorySignal

MIB = 2**20


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether somebody takes a connection there, as a TCP probe does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(("used", "expected"), [(74, True), (76, False)])
def test_the_port_answers_while_a_quarter_of_the_limit_is_left(
    used: int, *, expected: bool
) -> None:
    """A probe gets an answer up to three quarters of the limit, and none above."""
    port = free_port()
    signal = MemorySignal(port, limit=lambda: 100 * MIB)
    signal.look(used * MIB)
    assert answers(port) is expected
    signal.close()


def test_a_raised_limit_opens_the_port_again() -> None:
    """The limit is read each time: what Kubernetes has raised counts at the next sample."""
    port, limits = free_port(), [100 * MIB]
    signal = MemorySignal(port, limit=lambda: limits[-1])
    signal.look(90 * MIB)
    assert not answers(port)
    limits.append(200 * MIB)
    signal.look(90 * MIB)
    assert answers(port)
    signal.close()


def test_many_probes_never_fill_the_port() -> None:
    """Each look takes whoever has asked, so that a long step answers its last probe too."""
    port = free_port()
    signal = MemorySignal(port, limit=lambda: None)
    for _ in range(40):
        signal.look(MIB)
        assert answers(port)
    signal.close()


def test_a_step_that_was_not_asked_opens_no_port() -> None:
    """Without the platform's variable there is no signal."""
    assert MemorySignal.asked_for({}) is None
    assert MemorySignal.asked_for({"STATIONMASTER_MEMORY_PORT": "17171"}) is not None
