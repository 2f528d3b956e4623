import pytest

from imagebot.registries.challenge import Challenge, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        ("Basic", [Challenge("basic", {})]),
        (
            'Bearer realm="https://a/t",service="a, b",scope="repository:x:pull,push"',
            [
                Challenge(
                    "bearer",
                    {"realm": "https://a/t", "service": "a, b", "scope": "repository:x:pull,push"},
                )
            ],
        ),
        (
            'Bearer realm="a", Basic realm="b"',
            [Challenge("bearer", {"realm": "a"}), Challenge("basic", {"realm": "b"})],
        ),
        ('BEARER Realm = "a"', [Challenge("bearer", {"realm": "a"})]),
        ("Bearer realm=a,service=b", [Challenge("bearer", {"realm": "a", "service": "b"})]),
        (r'Basic realm="a\"b"', [Challenge("basic", {"realm": 'a"b'})]),
        ('Bearer realm="first",realm="second"', [Challenge("bearer", {"realm": "first"})]),
        ('realm="of nothing"', []),
        ('Bearer realm="never closed', [Challenge("bearer", {})]),
        ("", []),
    ],
)
def test_a_challenge_is_read_by_the_grammar(header: str, expected: list[Challenge]) -> None:
    assert list(parse([header])) == expected


def test_challenges_of_several_headers_are_joined() -> None:
    assert [found.scheme for found in parse(["Basic realm=x", 'Bearer realm="y"'])] == [
        "basic",
        "bearer",
    ]


def test_a_very_long_header_is_left_out() -> None:
    assert parse(["Bearer " + 'a="b",' * 100_000]) == ()
