"""What Postgres and sqlite say differently of time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["DayOf", "SecondsBetween"]


class SecondsBetween(FunctionElement[float]):
    """Seconds from the first moment to the second, negative where it lies before it."""

    type = sa.Double()
    inherit_cache = True
    name = "seconds_between"


class DayOf(FunctionElement[Any]):
    """The day of a moment, in UTC."""

    type = sa.Date()
    inherit_cache = True
    name = "day_of"


@compiles(SecondsBetween, "postgresql")
def _seconds_on_postgres(element: Any, compiler: Any, **words: Any) -> str:  # noqa: ANN401 (SQLAlchemy's own signature)
    start, end = (compiler.process(each, **words) for each in element.clauses)
    return f"EXTRACT(EPOCH FROM ({end} - {start}))::double precision"


@compiles(SecondsBetween, "sqlite")
def _seconds_on_sqlite(element: Any, compiler: Any, **words: Any) -> str:  # noqa: ANN401 (as above)
    start, end = (compiler.process(each, **words) for each in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@compiles(DayOf, "postgresql")
def _day_on_postgres(element: Any, compiler: Any, **words: Any) -> str:  # noqa: ANN401 (as above)
    return f"({compiler.process(element.clauses, **words)} AT TIME ZONE 'UTC')::date"


@compiles(DayOf, "sqlite")
def _day_on_sqlite(element: Any, compiler: Any, **words: Any) -> str:  # noqa: ANN401 (as above)
    return f"date({compiler.process(element.clauses, **words)})"
