"""Traces for OpenTelemetry, where the standard variables of the environment switch them on.

The one room that knows OpenTelemetry, an extra. While it is off nothing of it is imported, and a
span costs a comparison. While it is on, spans wait in a queue that a thread of the SDK empties:
a collector that hangs or refuses costs spans, never a reconciliation. No header, query, user or
password gets into a span, and nothing is added to what is sent to registries and forges.
"""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from imagebot import __version__, logs
from imagebot.errors import ImagebotError, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as SdkSpan
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

FLUSH_SECONDS = 3.0  # that a collector may keep the end of the process waiting
Value = str | int
Attributes = Mapping[str, Value]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ANSWERS = {401, 404}  # a registry's challenge, and "is not there", are no failures
_CODE = re.compile(r"\bcode: (\d{3})\b")


class Span:
    """One step, or nothing while tracing is off."""

    def __init__(self, sdk: "SdkSpan | None" = None) -> None:
        self._sdk = sdk

    def set(self, name: str, value: Value) -> None:
        if self._sdk:
            self._sdk.set_attribute(name, value)

    def answered(self, status: int) -> None:
        """Note the status of an HTTP answer, and whether it is a failure."""
        self.set("http.response.status_code", status)
        if status >= 400 and status not in _ANSWERS:
            self.fail("", str(status))

    def came_to(self, outcome: str, message: str, error: Exception | None) -> None:
        """Note the outcome of a reconciliation, and what it failed or stalled by."""
        self.set("imagebot.outcome", outcome)
        if outcome in ("failed", "stalled"):
            self.fail(message, type(error).__name__ if error else outcome)

    def fail(self, reason: str, kind: str = "") -> None:
        """Mark it as failed. `reason` is for people, `kind` for grouping (`error.type`)."""
        if self._sdk:
            from opentelemetry.trace import StatusCode

            self._sdk.set_status(StatusCode.ERROR, logs.one_line(reason) or None)
            if kind:
                self._sdk.set_attribute("error.type", kind)


_NOTHING = nullcontext(Span())
_tracer: "Tracer | None" = None


def span(name: str, attributes: Attributes | None = None) -> AbstractContextManager[Span]:
    """A step of ours, below the one that this thread is in. What leaves it raised, fails it."""
    return _open(_tracer, name, attributes or {}) if _tracer else _NOTHING


def reconciling(repository: str) -> AbstractContextManager[Span]:
    """One reconciliation, by the run that is bound to its log lines."""
    return span(
        "reconcile", {"imagebot.repository": repository, "imagebot.run": logs.of_bound("run")}
    )


def request(method: str | None, url: str | None) -> AbstractContextManager[Span]:
    """A request to another server, in the terms of OpenTelemetry's conventions for HTTP."""
    if _tracer is None:
        return _NOTHING
    name = method or "GET"
    return _open(_tracer, name, _request_attributes(name, urlsplit(url or "")), is_client=True)


@contextmanager
def switched_on(environ: Mapping[str, str]) -> Iterator[None]:
    """Trace inside the block where the variables ask for it, and send what is left at its end.

    Raises SettingsError where they ask for what cannot be done.
    """
    global _tracer
    provider = _provider(environ) if is_wanted(environ) else None
    if provider is None:
        yield
        return
    logs.also_on_json_lines(_ids)
    _tracer = provider.get_tracer("imagebot", __version__)
    try:
        yield
    finally:
        _tracer = None
        logs.also_on_json_lines(None)
        _end(provider)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the standard variables name a collector, and none switches tracing off."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_off |= environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not is_off and any(environ.get(name, "").strip() for name in _ENDPOINTS)


def _provider(environ: Mapping[str, str]) -> "TracerProvider":
    variable = _checked(environ)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    except ImportError as error:
        raise SettingsError(
            f"{variable} asks for traces, which need OpenTelemetry, which is not installed",
            hint='install it: pip install "imagebot[otel]", or set OTEL_SDK_DISABLED=true',
        ) from error

    words = _LastWords()

    class Exporter(OTLPSpanExporter):
        """Tells once that the collector takes nothing, and once that it does again."""

        def export(self, spans: "tuple[ReadableSpan, ...]") -> SpanExportResult:  # type: ignore[override]
            result = super().export(spans)
            words.note(is_sent=result is SpanExportResult.SUCCESS)
            return result

    resource = Resource.create({"service.version": __version__})
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "imagebot"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter()))
    return provider


def _checked(environ: Mapping[str, str]) -> str:
    """The variable that names the collector. Raises SettingsError for what cannot be done."""
    name = next(each for each in _ENDPOINTS if environ.get(each, "").strip())
    try:
        parts = urlsplit(environ[name].strip())
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise SettingsError(
            f"{name} is no web address", hint="write http://COLLECTOR:4318, or https://..."
        )
    protocol = next((environ[each].strip() for each in _PROTOCOLS if environ.get(each)), "")
    if protocol not in ("", "http/protobuf"):
        raise SettingsError(
            f"traces cannot be sent by {logs.one_line(protocol)}",
            hint="set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, the protocol of port 4318",
        )
    return name


@contextmanager
def _open(
    tracer: "Tracer", name: str, attributes: Attributes, *, is_client: bool = False
) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    kind = SpanKind.CLIENT if is_client else SpanKind.INTERNAL
    with tracer.start_as_current_span(
        name,
        kind=kind,
        attributes=dict(attributes),
        record_exception=False,  # a traceback may hold what no message of ours does
        set_status_on_exception=False,
    ) as opened:
        step = Span(opened)
        try:
            yield step
        except BaseException as error:
            kind_of_error = type(error).__name__
            step.fail(str(error) if isinstance(error, ImagebotError) else "", kind_of_error)
            raise


def _request_attributes(method: str, parts: SplitResult) -> Attributes:
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    host = parts.hostname or ""
    authority = f"[{host}]" if ":" in host else host
    path = parts.path or "/"
    return {
        "http.request.method": method,
        "server.address": host,
        "server.port": port,
        "url.scheme": parts.scheme,
        "url.path": path,
        "url.full": f"{parts.scheme}://{authority}:{port}{path}",
    }


def _ids() -> Mapping[str, str]:
    """Of the step that this thread is in, as other tools write them."""
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
    }


def _end(provider: "TracerProvider") -> None:
    """Send what waits, for as long as FLUSH_SECONDS. The SDK's own bounds vary by version."""
    thread = threading.Thread(target=provider.shutdown, name="last traces", daemon=True)
    thread.start()
    thread.join(FLUSH_SECONDS)
    if thread.is_alive():
        log.warning("the last traces were not taken in time")


class _LastWords(logging.Handler):
    """What the SDK says goes here and no further: a line for each batch, perhaps with an address
    that holds a secret. Of a failure, the HTTP status is kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._code = ""
        self._is_failing = False
        logger = logging.getLogger("opentelemetry")
        logger.handlers[:] = [self]
        logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        found = _CODE.search(record.getMessage())
        if found:
            self._code = found[1]

    def note(self, *, is_sent: bool) -> None:
        if is_sent and self._is_failing:
            log.info("the collector takes traces again")
        if not is_sent and not self._is_failing:
            reason = f"it answered {self._code}" if self._code else "it does not answer, or is busy"
            log.warning("the collector takes no traces: %(reason)s", {"reason": reason})
        self._is_failing, self._code = not is_sent, ""
