"""What is remembered of a forge's answers, and to whom it is given back."""

import pytest
import requests

from imagebot.forges import kept_answers
from imagebot.forges.kept_answers import KeptAnswers

URL = "https://forge.example/pulls"


def asked(
    url: str = URL, token: str = "a", method: str = "GET", **headers: str
) -> requests.PreparedRequest:
    whole = {"Authorization": f"Bearer {token}", **headers}
    return requests.Request(method, url, headers=whole).prepare()


def answer(
    body: bytes = b"[]", status: int = 200, etag: str = '"1"', **headers: str
) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content = status, body
    response.headers.update({"ETag": etag, **headers} if etag else headers)
    return response


def test_the_same_question_is_asked_conditionally() -> None:
    kept = KeptAnswers()
    kept.keep(asked(), answer())
    again = asked()
    assert kept.ask_conditionally(again) is not None
    assert again.headers["If-None-Match"] == '"1"'


@pytest.mark.parametrize(
    "other",
    [
        asked(token="b"),
        asked(url=URL + "?page=2"),
        asked(method="HEAD"),
        asked(Accept="text/html"),
        asked(**{"If-None-Match": '"7"'}),
    ],
)
def test_another_question_or_token_gets_nothing(other: requests.PreparedRequest) -> None:
    kept = KeptAnswers()
    kept.keep(asked(), answer())
    before = dict(other.headers)
    assert kept.ask_conditionally(other) is None
    assert dict(other.headers) == before


@pytest.mark.parametrize("response", [answer(etag=""), answer(status=404), answer(status=201)])
def test_only_good_answers_with_an_etag_are_kept(response: requests.Response) -> None:
    kept = KeptAnswers()
    kept.keep(asked(), response)
    assert kept.ask_conditionally(asked()) is None


def test_an_unchanged_answer_stands_for_the_one_of_before() -> None:
    kept = KeptAnswers()
    sent = {"Link": "<x>", "Date": "before", "Content-Encoding": "gzip"}
    kept.keep(asked(), answer(b"[1]", **sent))
    was = kept.ask_conditionally(asked())
    response = answer(b"", 304, **{"Date": "now", "X-RateLimit-Remaining": "8"})
    assert was is not None
    assert was.stand_in(response) == b"[1]"
    assert response.status_code == 200
    assert dict(response.headers) == {
        "ETag": '"1"',
        "Link": "<x>",
        "Date": "now",
        "X-RateLimit-Remaining": "8",
    }


def test_a_limit_of_before_is_none_of_now() -> None:
    kept = KeptAnswers()
    over = {"Retry-After": "60", "X-RateLimit-Remaining": "0", "RateLimit-Reset": "60"}
    kept.keep(asked(), answer(b"[1]", **over))
    was = kept.ask_conditionally(asked())
    response = answer(b"", 304)
    assert was is not None
    was.stand_in(response)
    assert dict(response.headers) == {"ETag": '"1"'}


def test_memory_is_bounded_and_the_least_asked_goes_first() -> None:
    kept = KeptAnswers(max_bytes=250)
    for page in ("1", "2"):
        kept.keep(asked(URL + page), answer(b"x" * 100))
    kept.ask_conditionally(asked(URL + "1"))
    kept.keep(asked(URL + "3"), answer(b"x" * 100))
    there = [page for page in "123" if kept.ask_conditionally(asked(URL + page))]
    assert there == ["1", "3"]


def test_an_answer_that_is_kept_anew_is_counted_once() -> None:
    kept = KeptAnswers(max_bytes=250)
    for number in range(10):
        kept.keep(asked(), answer(b"x" * 100, etag=f'"{number}"'))
    kept.keep(asked(URL + "2"), answer(b"x" * 100))
    assert kept.ask_conditionally(asked()) is not None


def test_an_answer_of_great_length_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "MAX_ANSWER_KEPT_BYTES", 10)
    kept = KeptAnswers()
    kept.keep(asked(), answer(b"x" * 11))
    assert kept.ask_conditionally(asked()) is None


def test_no_token_is_kept() -> None:
    kept = KeptAnswers()
    kept.keep(asked(token="s3cret"), answer())
    assert "s3cret" not in repr(vars(kept))
