"""What the API server refuses, as one tree.

StationmasterError
└── ClusterError                 the API server said no; carries its code, reason and message
├── ClusterUnreachableError  it did not answer for as long as we tried
├── ExpiredError           410  the resourceVersion is too old: list again
├── ConflictError       409  the name is taken, or a precondition does not hold
└── NotThereError       404
"""

from __future__ import annotations

from stationmaster.step.errors import StationmasterError

__all__ = [
    "ClusterError",
    "ClusterUnreachableError",
    "ConflictError",
    "ExpiredError",
    "NotThereError",
    "error_of",
]


class ClusterError(StationmasterError):
    """Raised when the API server refuses a request.

    Args:
        what: The request in words.
        code: HTTP status; 0 where there was no answer.
        reason: The API's word, such as Forbidden.
        message: The API's sentence.
    """

    def __init__(self, what: str, *, code: int, reason: str, message: str) -> None:
        self.what = what
        self.code = code
        self.reason = reason
        self.message = message
        super().__init__(f"{what}: the API server said {code} {reason}: {message}")


class ClusterUnreachableError(ClusterError):
    """Raised when the API server gave no useful answer within the time for retries."""

    def __str__(self) -> str:
        return f"{self.what}: the API server is not reachable: {self.message}"


class ExpiredError(ClusterError):
    """Raised when a resourceVersion or a continue token is too old."""


class ConflictError(ClusterError):
    """Raised when a name is taken, or a precondition does not hold."""


class NotThereError(ClusterError):
    """Raised when an object is not there."""


BY_CODE: dict[int, type[ClusterError]] = {
    404: NotThereError,
    409: ConflictError,
    410: ExpiredError,
}


def error_of(what: str, code: int, status: object) -> ClusterError:
    """Return the error for an answer of the API server.

    Args:
        what: The request in words.
        code: HTTP status.
        status: The body: the API's Status object, or what a proxy answered instead.
    """
    fields = status if isinstance(status, dict) else {"message": str(status)[:300]}
    kind = BY_CODE.get(code, ClusterError)
    return kind(
        what,
        code=code,
        reason=str(fields.get("reason") or ""),
        message=str(fields.get("message") or "no message"),
    )
