"""A dataset's contract, as much of it as the runner checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import polars as pl
import yaml
from pydantic import ValidationError

from stationmaster.step.contracts.columns import BUSINESS_DATE, Column, column_of
from stationmaster.step.contracts.odcs import Document, SchemaObject
from stationmaster.step.contracts.rules import RowRule, TableRule, row_rules, table_rules
from stationmaster.step.errors import ContractUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_BAD_SHARE", "Contract"]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where libyaml is there."""

DEFAULT_BAD_SHARE: Final = 0.05
"""Share of rows that may go to quarantine before a step stops, where a contract names none."""


@dataclass(frozen=True)
class Contract:
    """Hold what a dataset promises."""

    dataset: str
    """Name of the dataset: the contract's `schema[0].name`."""
    version: str
    columns: tuple[Column, ...]
    """In the contract's order; `business_date` is always among them."""
    key: tuple[str, ...]
    """Columns that are unique together within a partition; empty where there is no key."""
    unique: tuple[str, ...]
    """Columns that are unique by themselves within a partition."""
    row_rules: tuple[RowRule, ...]
    table_rules: tuple[TableRule, ...]
    max_bad_share: float = DEFAULT_BAD_SHARE

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an ODCS file.

        Raises:
            ContractUnreadableError: The file is missing, no YAML, or no contract of one dataset.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(str(path), "a readable file", str(error)) from error
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, where: str = "contract") -> Self:
        """Read a contract from YAML; `where` names it in errors.

        Raises:
            ContractUnreadableError: The text is no YAML, or no contract of one dataset.
        """
        try:
            document = Document.model_validate(yaml.load(text, Loader=_LOADER))  # noqa: S506 (a safe one)
            contract = cls._build(document.tables[0], document)
            _try_rules(contract)
        except yaml.YAMLError as error:
            raise _unreadable(where, "YAML", " ".join(str(error).split())) from error
        except ValidationError as error:
            raise _unreadable(where, "ODCS 3.x with one schema object", _first(error)) from error
        except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise _unreadable(where, "types and rules that can be checked", str(error)) from error
        return contract

    @classmethod
    def _build(cls, table: SchemaObject, document: Document) -> Self:
        columns = tuple(column_of(prop) for prop in table.properties)
        if BUSINESS_DATE not in {column.name for column in columns}:
            message = f"no column {BUSINESS_DATE}: every dataset is partitioned by it"
            raise ValueError(message)
        keys = sorted(
            (prop for prop in table.properties if prop.primary_key and prop.name != BUSINESS_DATE),
            key=lambda prop: prop.primary_key_position,
        )
        custom = {
            entry.property: entry.value
            for entry in (*document.custom_properties, *table.custom_properties)
        }
        return cls(
            dataset=table.name,
            version=document.version,
            columns=columns,
            key=tuple(prop.name for prop in keys),
            unique=tuple(prop.name for prop in table.properties if prop.unique),
            row_rules=row_rules(table, columns),
            table_rules=table_rules(table),
            max_bad_share=float(str(custom.get("maxBadRowShare", DEFAULT_BAD_SHARE))),
        )

    @cached_property
    def schema(self) -> pl.Schema:
        """Return the polars schema of a frame that keeps this contract."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def empty_frame(self) -> pl.DataFrame:
        """Return a frame without rows that has the contract's columns and types."""
        return self.schema.to_frame()


def _try_rules(contract: Contract) -> None:
    # A rule that names a column that is not there shows here, not at 06:05.
    for rule in contract.row_rules:
        try:
            kept = contract.empty_frame().select(rule.keeps.alias("kept"))
        except pl.exceptions.PolarsError as error:
            message = f"rule {rule.name}: {error}"
            raise ValueError(message) from error
        if kept.schema["kept"] != pl.Boolean:
            message = f"rule {rule.name} gives {kept.schema['kept']}, not true or false"
            raise ValueError(message)
    for whole in contract.table_rules:
        try:
            whole.measured(contract.empty_frame().lazy())
        except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
            message = f"rule {whole.name}: {error}"
            raise ValueError(message) from error
    if not 0 <= contract.max_bad_share <= 1:
        message = f"maxBadRowShare is {contract.max_bad_share}, not between 0 and 1"
        raise ValueError(message)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"


def _unreadable(where: str, expected: str, got: str) -> ContractUnreadableError:
    hint = "Run `datacontract lint` on the file; docs/datasets.md shows a whole example."
    return ContractUnreadableError(where, expected=expected, got=got, hint=hint)
