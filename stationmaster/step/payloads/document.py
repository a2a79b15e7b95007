"""A payload contract as a file: Open Data Contract Standard 3.1, one payload a file.

Where the standard has no word, a custom property says it: `optional` (may be left out), `kinds`
(several kinds of value), `formats` (several formats of text), `free` (anything inside), `map` (the
property `*` is what every key holds), `tag` and `variant` (kinds of object), `presence`, `seen`,
`scale`, `typical`, `encodings` (what was observed). `required` is the standard's: never null.
Source: https://github.com/bitol-io/open-data-contract-standard (schema of v3.1.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from stationmaster.step.errors import ContractUnreadableError
from stationmaster.step.payloads.fields import Field
from stationmaster.step.payloads.properties import as_property, field_of, properties_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ROOT_NAME", "PayloadContract"]

ROOT_NAME: Final = "$"
"""Name of the one property of a payload that is no plain object."""

_ONE_PAYLOAD: Final = "an ODCS 3.x contract with one schema object that describes a payload"
_NEEDED: Final = ("apiVersion", "kind", "version", "schema")

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _NoContractError(ValueError):
    """Raised where a document is something else than a contract; its message says what."""


@dataclass(frozen=True, slots=True)
class PayloadContract:
    """Hold what one endpoint of one source promised to send."""

    source: str
    endpoint: str
    root: Field
    version: str = "1.0.0"
    description: str = ""
    time_field: str = ""
    """Field of the payload with its time; findings say since when by it."""
    affected_datasets: tuple[str, ...] = ()
    affected_reports: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> PayloadContract:
        """Read a contract from a file.

        Raises:
            ContractUnreadableError: There is no such file, or it is no contract of a payload.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(str(path), "a readable UTF-8 file", str(error)) from error
        return cls.parse(text, where=str(path))

    @classmethod
    def parse(cls, text: str, *, where: str) -> PayloadContract:
        """Read a contract from text; `where` names it in errors.

        Raises:
            ContractUnreadableError: The text is no YAML, or no contract of one payload.
        """
        try:
            return _contract(yaml.load(text, Loader=_LOADER))  # noqa: S506 (a safe one)
        except yaml.YAMLError as error:
            raise _unreadable(where, "YAML", " ".join(str(error).split())) from error
        except _NoContractError as error:
            raise _unreadable(where, _ONE_PAYLOAD, str(error)) from error
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise _unreadable(where, _ONE_PAYLOAD, f"{type(error).__name__}: {error}") from error

    def text(self) -> str:
        """Return the contract as YAML."""
        return yaml.dump(
            self.as_document(), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100
        )

    def as_document(self) -> dict[str, Any]:
        """Return the contract as an ODCS document."""
        name = self.endpoint or "payload"
        plain = self.root.kinds == {"object"} and not self.root.variants and not self.root.nullable
        flat = plain and bool(self.root.properties) and self.root.additional is None
        root = as_property(ROOT_NAME, self.root)
        table: dict[str, Any] = {
            "name": name,
            "logicalType": "object",
            "physicalType": "json",
            "properties": root["properties"] if flat else [root],
        }
        if self.description:
            table["description"] = self.description
        if flat and self.root.seen:
            table["customProperties"] = [{"property": "seen", "value": self.root.seen}]
        document: dict[str, Any] = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": f"{self.source}/{name}",
            "name": f"What {self.source} sends as {name}",
            "version": self.version,
            "status": "active",
            "schema": [table],
        }
        told = {
            "source": self.source,
            "endpoint": self.endpoint,
            "timeField": self.time_field,
            "affectedDatasets": list(self.affected_datasets),
            "affectedReports": list(self.affected_reports),
        }
        document["customProperties"] = [
            {"property": key, "value": value} for key, value in told.items() if value
        ]
        return document


def _contract(document: object) -> PayloadContract:
    if not isinstance(document, dict):
        kinds = {type(None): "an empty file", list: "a list", str: "plain text"}
        message = kinds.get(type(document), f"the value {document}")
        raise _NoContractError(message)
    missing = [key for key in _NEEDED if key not in document]
    if missing:
        message = f"a document without {', '.join(missing)}"
        raise _NoContractError(message)
    if document["kind"] != "DataContract" or not str(document["apiVersion"]).startswith("v3."):
        message = f"kind {document['kind']}, apiVersion {document['apiVersion']}"
        raise _NoContractError(message)
    if not isinstance(document["schema"], list) or len(document["schema"]) != 1:
        message = f"a schema of {len(document['schema'] or ())} objects"
        raise _NoContractError(message)
    (table,) = document["schema"]
    told = {one["property"]: one["value"] for one in document.get("customProperties", ())}
    listed = table["properties"]
    if len(listed) == 1 and listed[0]["name"] == ROOT_NAME:
        root = field_of(listed[0])
    else:
        observed = {one["property"]: one["value"] for one in table.get("customProperties", ())}
        seen = int(observed.get("seen", 0))
        properties, additional, _ = properties_of(listed, seen)
        root = Field(
            kinds=frozenset({"object"}),
            properties=properties,
            additional=additional,
            seen=seen,
        )
    return PayloadContract(
        source=str(told.get("source", "")),
        endpoint=str(told.get("endpoint", "")),
        root=root,
        version=str(document["version"]),
        description=str(table.get("description", "")),
        time_field=str(told.get("timeField", "")),
        affected_datasets=tuple(told.get("affectedDatasets", ())),
        affected_reports=tuple(told.get("affectedReports", ())),
    )


def _unreadable(where: str, expected: str, got: str) -> ContractUnreadableError:
    hint = "`stationmaster contracts learn` drafts one; docs/contracts.md shows a whole example."
    return ContractUnreadableError(where, expected=expected, got=got, hint=hint)
