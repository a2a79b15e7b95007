"""The part of Open Data Contract Standard 3.1 that a dataset's contract is made of.

Keys this library does not use are kept out of the models: the standard's own tools
(`datacontract lint`) judge those.
Source: https://github.com/bitol-io/open-data-contract-standard (schema of v3.1.0).
"""

from __future__ import annotations

from typing import Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

__all__ = [
    "CustomProperty",
    "Document",
    "LogicalTypeOptions",
    "Property",
    "Quality",
    "SchemaObject",
]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=AliasGenerator(validation_alias=to_camel)
    )


class CustomProperty(_Part):
    """Hold one setting that the standard leaves to tools."""

    property: str
    value: JsonValue = None


class LogicalTypeOptions(_Part):
    """Hold what a value must keep to beyond its type."""

    minimum: JsonValue = None
    maximum: JsonValue = None
    exclusive_minimum: JsonValue = None
    exclusive_maximum: JsonValue = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    timezone: bool = True


class Quality(_Part):
    """Hold one quality rule: of the library, as SQL, or as an expression of our own engine."""

    name: str = ""
    description: str = ""
    type: Literal["library", "sql", "text", "custom"] = "library"
    metric: str = ""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    unit: str = "rows"
    query: str = ""
    engine: str = ""
    implementation: str = ""
    must_be: JsonValue = None
    must_not_be: JsonValue = None
    must_be_greater_than: float | None = None
    must_be_greater_or_equal_to: float | None = None
    must_be_less_than: float | None = None
    must_be_less_or_equal_to: float | None = None
    must_be_between: tuple[float, float] | None = None
    must_not_be_between: tuple[float, float] | None = None


class Property(_Part):
    """Hold one column."""

    name: str
    logical_type: str | None = None
    physical_type: str = ""
    description: str = ""
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    primary_key_position: int = -1
    classification: str = ""
    tags: tuple[str, ...] = ()
    logical_type_options: LogicalTypeOptions = LogicalTypeOptions()
    items: Property | None = None
    quality: tuple[Quality, ...] = ()


class SchemaObject(_Part):
    """Hold one table."""

    name: str
    properties: tuple[Property, ...] = Field(min_length=1)
    quality: tuple[Quality, ...] = ()
    custom_properties: tuple[CustomProperty, ...] = ()


class Document(_Part):
    """Hold a contract of one dataset."""

    api_version: str = Field(pattern=r"^v3\.")
    kind: Literal["DataContract"]
    id: str
    version: str
    status: str
    # `schema` is a name of pydantic's own.
    tables: tuple[SchemaObject, ...] = Field(validation_alias="schema", min_length=1, max_length=1)
    custom_properties: tuple[CustomProperty, ...] = ()
