"""A collector of traces: takes OTLP over HTTP, and can refuse or hang on demand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.servers.listener import Listener


@dataclass(frozen=True)
class Seen:
    """One span as it came."""

    name: str
    id: str
    trace: str
    parent: str  # "" for the root of a trace
    is_failed: bool
    message: str
    attributes: dict[str, object] = field(hash=False)


class Collector:
    """`listener` is the server below it; `listener.status` and `listener.released` steer it."""

    def __init__(self) -> None:
        self.listener = Listener()

    @property
    def url(self) -> str:
        return f"http://{self.listener.host}"

    def __enter__(self) -> Self:
        self.listener.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.listener.__exit__(*error)

    def resource(self) -> dict[str, object]:
        (resources, *_) = [
            each.resource for request in self._requests() for each in request.resource_spans
        ]
        return _values(resources.attributes)

    def spans(self) -> list[Seen]:
        return [
            Seen(
                span.name,
                span.span_id.hex(),
                span.trace_id.hex(),
                span.parent_span_id.hex(),
                span.status.code == span.status.STATUS_CODE_ERROR,
                span.status.message,
                _values(span.attributes),
            )
            for request in self._requests()
            for of_resource in request.resource_spans
            for scope in of_resource.scope_spans
            for span in scope.spans
        ]

    def _requests(self) -> Iterator[ExportTraceServiceRequest]:
        for received in list(self.listener.received):
            assert received.path == "/v1/traces"
            yield ExportTraceServiceRequest.FromString(received.body)


def _values(attributes: "Iterator[KeyValue]") -> dict[str, object]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in attributes
    }
