"""OTLP requests in protobuf, parsed only as far as cycletrace needs them.

The messages here are OTLP's own with fewer fields; what is not looked into is ``bytes``. So requests are split in C,
only what may become a record is decoded, a malformed one does not affect the others, and no nesting is followed.

Source: https://github.com/open-telemetry/opentelemetry-proto (field numbers)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "cycletrace.envelope"


class Member(NamedTuple):
    """A span, log record or metric and its resource, both still encoded."""

    resource: bytes
    content: bytes


def members(body: bytes, holding: bytes = b"") -> Iterator[Member]:
    """Yield the members of an export request of any signal that hold these bytes.

    The requests of all signals have the same structure.

    Raises:
        ValueError: where it is not a request.
    """
    try:
        request = _Request.FromString(body)
    except DecodeError as error:
        raise ValueError(f"not an OTLP request: {error}") from None
    for resource in request.resources:
        for scope in resource.scopes:
            for content in scope.members:
                if holding in content:  # here, since most are of others and go no further
                    yield Member(resource.resource, content)


def span(content: bytes) -> Any:
    """Parse the fields of a span that cycletrace reads.

    Raises:
        ValueError: where it is not a span.
    """
    return _parse(_Span, content)


def log_record(content: bytes) -> Any:
    """Parse the fields of a log record that cycletrace reads.

    Raises:
        ValueError: where it is not a log record.
    """
    return _parse(_LogRecord, content)


def resource(content: bytes) -> Any:
    """Parse the attributes of a resource.

    Raises:
        ValueError: where it is not a resource.
    """
    return _parse(_Resource, content)


def attributes(holder: Any) -> dict[str, object]:
    """Return attributes as plain values; arrays, maps and bytes, which cycletrace does not use, stay encoded."""
    found: dict[str, object] = {}
    for attribute in holder.attributes:
        value = attribute.value
        found[attribute.key] = value.string_value or _other(value)  # nearly all are texts
    return found


def _other(value: Any) -> object:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)


def _parse(message: Any, content: bytes) -> Any:
    try:
        return message.FromString(content)
    except DecodeError as error:
        raise ValueError(str(error)) from None


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="cycletrace/envelope.proto", package=_PACKAGE, syntax="proto3")

    def message(name: str, /, **fields: tuple[int, Any] | tuple[int, Any, str]) -> Any:
        made = file.message_type.add(name=name)
        for field, (number, kind, *more) in fields.items():
            is_many = "many" in more
            made.field.add(
                name=field,
                number=number,
                label=_Field.LABEL_REPEATED if is_many else _Field.LABEL_OPTIONAL,
                type=_Field.TYPE_MESSAGE if isinstance(kind, str) else kind,
                type_name=f".{_PACKAGE}.{kind}" if isinstance(kind, str) else None,
            )
        return made

    message("Request", resources=(1, "Resources", "many"))
    message("Resources", resource=(1, _Field.TYPE_BYTES), scopes=(2, "Scope", "many"))
    message("Scope", members=(2, _Field.TYPE_BYTES, "many"))
    message("Resource", attributes=(1, "KeyValue", "many"))
    message("KeyValue", key=(1, _Field.TYPE_STRING), value=(2, "AnyValue"))
    value = message(
        "AnyValue",
        string_value=(1, _Field.TYPE_STRING),
        bool_value=(2, _Field.TYPE_BOOL),
        int_value=(3, _Field.TYPE_INT64),
        double_value=(4, _Field.TYPE_DOUBLE),
        array_value=(5, _Field.TYPE_BYTES),
        kvlist_value=(6, _Field.TYPE_BYTES),
        bytes_value=(7, _Field.TYPE_BYTES),
    )
    value.oneof_decl.add(name="value")
    for field in value.field:
        field.oneof_index = 0
    message("Status", code=(3, _Field.TYPE_INT32))
    message(
        "Span",
        trace_id=(1, _Field.TYPE_BYTES),
        span_id=(2, _Field.TYPE_BYTES),
        parent_span_id=(4, _Field.TYPE_BYTES),
        name=(5, _Field.TYPE_STRING),
        start=(7, _Field.TYPE_FIXED64),
        end=(8, _Field.TYPE_FIXED64),
        attributes=(9, "KeyValue", "many"),
        status=(15, "Status"),
    )
    message(
        "LogRecord",
        time=(1, _Field.TYPE_FIXED64),
        attributes=(6, "KeyValue", "many"),
        observed=(11, _Field.TYPE_FIXED64),
        event_name=(12, _Field.TYPE_STRING),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        made.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{made.name}"))
        for made in file.message_type
    }


_MESSAGES = _messages()
_Request = _MESSAGES["Request"]
_Span = _MESSAGES["Span"]
_LogRecord = _MESSAGES["LogRecord"]
_Resource = _MESSAGES["Resource"]
