"""Tracing: when it is on, and what of a request gets into a span."""

import logging
import os
from collections.abc import Iterator

import pytest

from imagebot import logs, tracing
from imagebot.errors import RegistryError
from tests.servers.collector import Collector, Seen

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as collecting:
        for name in [each for each in os.environ if each.startswith("OTEL_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collecting.url)
        yield collecting


def only_span(collector: Collector) -> Seen:
    (span,) = collector.spans()
    return span


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "false"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_standard_variables_switch_it_on_and_off(
    environ: dict[str, str], is_wanted: bool
) -> None:
    assert tracing.is_wanted(environ) is is_wanted


def test_of_an_address_neither_user_nor_password_nor_query_is_told(collector: Collector) -> None:
    with (
        tracing.switched_on(os.environ),
        tracing.request(
            "GET", "https://bot:canary@ghcr.example/token?secret=canary#canary"
        ) as span,
    ):
        span.answered(200)
    assert b"canary" not in collector.listener.received[0].body
    assert only_span(collector).attributes == {
        "http.request.method": "GET",
        "server.address": "ghcr.example",
        "server.port": 443,
        "url.scheme": "https",
        "url.path": "/token",
        "url.full": "https://ghcr.example:443/token",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("status", "is_failed"),
    [(200, False), (304, False), (401, False), (404, False), (403, True), (429, True), (500, True)],
)
def test_an_answer_that_is_no_failure_does_not_mark_its_span(
    collector: Collector, status: int, is_failed: bool
) -> None:
    with tracing.switched_on(os.environ), tracing.request("GET", "http://r.example/v2/") as span:
        span.answered(status)
    assert only_span(collector).is_failed is is_failed


def test_of_our_errors_the_message_is_told_and_of_others_their_kind_alone(
    collector: Collector,
) -> None:
    with tracing.switched_on(os.environ):
        for error in (RegistryError("it is closed"), ValueError("canary")):
            with pytest.raises(type(error)), tracing.span("step"):
                raise error
    ours, other = collector.spans()
    assert (ours.is_failed, ours.message) == (True, "it is closed")
    assert (other.is_failed, other.message) == (True, "")
    assert other.attributes["error.type"] == "ValueError"
    assert b"canary" not in collector.listener.received[0].body


def test_after_the_block_it_is_off_and_lines_bear_no_ids(collector: Collector) -> None:
    def line() -> str:
        record = logging.makeLogRecord({"msg": "hello"})
        return logs.JsonLines().format(record)

    with tracing.switched_on(os.environ), tracing.span("step"):
        assert '"trace_id"' in line()
    with tracing.span("later"):
        assert '"trace_id"' not in line()
    assert only_span(collector).name == "step"
