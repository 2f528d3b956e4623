"""What comes out of a tag list, whatever went in."""

import json

import pytest

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from imagebot.errors import NotInRegistry, RegistryError
from imagebot.image import Repository
from tests.servers.registry import HostileRegistry, json_response, link, tag_list

from .conftest import Client


def test_all_pages_are_read(client: Client) -> None:
    tags = [f"1.{number:03}" for number in range(25)]
    with EmbeddedRegistry(page_size=10) as registry:
        registry.add("acme/api", *tags)
        found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
        assert found.tags == tuple(tags)
        assert len(registry.requests) == 3


def test_a_registry_that_cuts_the_list_without_a_link_is_asked_for_the_rest(
    registry: HostileRegistry, client: Client
) -> None:
    tags = [f"{number:05}" for number in range(2500)]

    def without_link(request: Request) -> Response:
        left = [tag for tag in tags if tag > request.query("last")]
        return tag_list(*left[: int(request.query("n"))])

    registry.misbehave = without_link
    found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert found.tags == tuple(tags)


def test_exactly_one_full_page_ends_after_a_second_look(
    registry: HostileRegistry, client: Client
) -> None:
    # go-containerregistry's registry gives the whole list again after the last tag
    registry.answer_always(tag_list(*(f"{number:05}" for number in range(1000))))
    found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert len(found.tags) == 1000
    assert len(registry.requests) == 2


def test_tags_outside_the_grammar_are_dropped_and_counted(
    registry: HostileRegistry, client: Client
) -> None:
    bad = ["", "-x", ".x", "a b", "a\nb", "x" * 129, "ü", "1\u0661", "a/b", None, 7, {}, ["1"]]
    registry.answer_always(tag_list("1.0", *bad, "x" * 128))
    found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert found.tags == ("1.0", "x" * 128)
    assert found.dropped_count == len(bad)


def test_a_tag_listed_twice_is_one_tag(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(tag_list("2", "1", "2", "1"))
    found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert (found.tags, found.dropped_count) == (("2", "1"), 0)


def test_tags_null_is_an_empty_list(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(json_response({"name": "acme/api", "tags": None}))
    assert client(registry.host).list_tags(Repository(registry.host, "acme/api")).tags == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"tags"',
        b'{"tags": "1.0"}',
        b'{"tags": {"1.0": 1}}',
        b'{"tags": ["1.0"',
        b'\xff\xfe{"tags"',
        b'{"tags": ' + b"[" * 100_000,
        b'{"tags": ' + b"1" * 10_000 + b"}",
        b"<html>login</html>",
    ],
)
def test_an_answer_that_is_no_tag_list_is_an_error_and_not_an_empty_list(
    registry: HostileRegistry, client: Client, body: bytes
) -> None:
    registry.answer_always(Response(200, {}, body))
    with pytest.raises(RegistryError):
        client(registry.host).list_tags(Repository(registry.host, "acme/api"))


def test_an_unknown_repository_is_told_from_other_failures(
    registry: HostileRegistry, client: Client
) -> None:
    with pytest.raises(NotInRegistry, match="acme/none"):
        client(registry.host).list_tags(Repository(registry.host, "acme/none"))


def test_a_page_that_leads_to_itself_is_refused(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(tag_list("1", headers=link("/v2/acme/api/tags/list?n=1000")))
    with pytest.raises(RegistryError, match="circle"):
        client(registry.host).list_tags(Repository(registry.host, "acme/api"))


def test_pages_that_bring_nothing_new_are_not_followed_for_ever(
    registry: HostileRegistry, client: Client
) -> None:
    registry.misbehave = lambda request: tag_list(
        "1", headers=link(f"/v2/acme/api/tags/list?last={len(registry.requests)}")
    )
    with pytest.raises(RegistryError, match="circle"):
        client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert len(registry.requests) == 4


def test_endless_pages_end_at_the_page_limit(registry: HostileRegistry, client: Client) -> None:
    registry.misbehave = lambda request: tag_list(
        f"1.{len(registry.requests)}", headers=link(f"?last={len(registry.requests)}")
    )
    with pytest.raises(RegistryError, match="more than 20 pages"):
        client(registry.host, limits={"pages": 20}).list_tags(Repository(registry.host, "acme/api"))
    assert len(registry.requests) == 20


def test_endless_pages_end_at_the_request_limit(registry: HostileRegistry, client: Client) -> None:
    registry.misbehave = lambda request: tag_list(
        f"1.{len(registry.requests)}", headers=link(f"?last={len(registry.requests)}")
    )
    with pytest.raises(RegistryError, match="more than 20 requests"):
        client(registry.host, limits={"requests": 20}).list_tags(
            Repository(registry.host, "acme/api")
        )


def test_too_many_tags_are_refused_and_not_cut(registry: HostileRegistry, client: Client) -> None:
    registry.add("acme/api", *(str(number) for number in range(11)))
    client(registry.host, limits={"tags": 11}).list_tags(Repository(registry.host, "acme/api"))
    with pytest.raises(RegistryError, match="more than 10 tags"):
        client(registry.host, limits={"tags": 10}).list_tags(Repository(registry.host, "acme/api"))


def test_many_large_pages_end_at_the_byte_limit(registry: HostileRegistry, client: Client) -> None:
    def page(request: Request) -> Response:
        count = len(registry.requests)
        tags = [f"{count}.{number}" for number in range(1000)]
        return tag_list(*tags, headers=link(f"?last={count}"))

    registry.misbehave = page
    with pytest.raises(RegistryError, match="more than 100000 bytes"):
        client(registry.host, limits={"operation_bytes": 100_000}).list_tags(
            Repository(registry.host, "acme/api")
        )
    assert len(registry.requests) < 20


def test_a_failing_second_page_fails_the_whole_listing(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_next(tag_list("1", headers=link("?last=1")), Response(404))
    with pytest.raises(RegistryError):
        client(registry.host).list_tags(Repository(registry.host, "acme/api"))


def test_a_link_to_another_relation_is_not_the_next_page(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(tag_list("1", headers={"Link": '</v2/>; rel="prev"'}))
    assert client(registry.host).list_tags(Repository(registry.host, "acme/api")).tags == ("1",)


def test_the_registry_may_send_an_absolute_link_to_itself(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_next(
        tag_list("1", headers=link(f"http://{registry.host}/v2/acme/api/tags/list?last=1")),
        tag_list("2"),
    )
    found = client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert found.tags == ("1", "2")


@pytest.mark.parametrize("target", ["/v2/\u00fc", "http://[::1", "?a b", "ftp://x/", "/v2/%zz\x7f"])
def test_a_link_that_is_no_address_is_refused(
    registry: HostileRegistry, client: Client, target: str
) -> None:
    registry.answer_next(tag_list("1", headers=link(target)))
    with pytest.raises(RegistryError):
        client(registry.host).list_tags(Repository(registry.host, "acme/api"))


def test_json_answers_need_no_content_type(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(Response(200, {}, json.dumps({"tags": ["1"]}).encode()))
    assert client(registry.host).list_tags(Repository(registry.host, "acme/api")).tags == ("1",)
