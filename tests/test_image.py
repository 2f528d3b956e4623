"""The grammar of image references, held against docker-image-py as oracle."""

import pytest
from docker_image.digest import InvalidDigest
from docker_image.reference import InvalidReference as OracleRefuses
from docker_image.reference import Reference
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.errors import InvalidReference
from imagebot.image import (
    MAX_NAME_LENGTH,
    Digest,
    ImageReference,
    Repository,
    is_tag,
    join,
    parse,
    parse_name,
    shortened,
    split_version,
)

HEX64 = "0123456789abcdef" * 4
SHA256 = f"sha256:{HEX64}"
OTHER = f"sha512:{HEX64}{HEX64}"


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", None, None),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", None),
        ("library/nginx:1", "docker.io", "library/nginx", "1", None),
        ("acme/api", "docker.io", "acme/api", None, None),
        ("acme/deep/api:1", "docker.io", "acme/deep/api", "1", None),
        ("docker.io/nginx", "docker.io", "library/nginx", None, None),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", None, None),
        ("index.docker.io/acme/api", "docker.io", "acme/api", None, None),
        ("registry-1.docker.io/acme/api", "registry-1.docker.io", "acme/api", None, None),
        ("ghcr.io/acme/api:v1", "ghcr.io", "acme/api", "v1", None),
        ("ghcr.io/api", "ghcr.io", "api", None, None),
        (f"ghcr.io/acme/api:v1@{SHA256}", "ghcr.io", "acme/api", "v1", SHA256),
        (f"ghcr.io/acme/api@{SHA256}", "ghcr.io", "acme/api", None, SHA256),
        (f"nginx@{OTHER}", "docker.io", "library/nginx", None, OTHER),
        ("localhost/a", "localhost", "a", None, None),
        (f"localhost:5000/a/b:1@{SHA256}", "localhost:5000", "a/b", "1", SHA256),
        ("registry:5000/a", "registry:5000", "a", None, None),
        ("registry/a", "docker.io", "registry/a", None, None),
        ("registry:5000", "docker.io", "library/registry", "5000", None),
        ("[::1]:5000/a", "[::1]:5000", "a", None, None),
        ("[2001:db8::1]/a/b:1", "[2001:db8::1]", "a/b", "1", None),
        ("127.0.0.1:5000/a", "127.0.0.1:5000", "a", None, None),
        ("UPPER.io/app:1", "UPPER.io", "app", "1", None),
        ("Foo/bar", "Foo", "bar", None, None),
        ("a_b/c__d/e-f/g---h/i.j:1", "docker.io", "a_b/c__d/e-f/g---h/i.j", "1", None),
        ("x:_a.B-c", "docker.io", "library/x", "_a.B-c", None),
        ("a:" + "t" * 128, "docker.io", "library/a", "t" * 128, None),
        (HEX64[:63], "docker.io", f"library/{HEX64[:63]}", None, None),
        (f"a/{HEX64}", "docker.io", f"a/{HEX64}", None, None),
    ],
)
def test_a_reference_is_read_by_the_grammar(
    text: str, registry: str, path: str, tag: str | None, digest: str | None
) -> None:
    reference = parse(text)
    assert reference.repository == Repository(registry, path)
    assert reference.tag == tag
    assert reference.digest == (Digest(digest) if digest else None)
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (HEX64, "image id"),
        ("x/y:", "tag that is not allowed"),
        ("x/y@", "not a digest"),
        ("x/y@sha256:abc", "not a digest"),
        (f"x/y@sha256:{HEX64.upper()}", "not a digest"),
        (f"x/y@md5:{HEX64[:32]}", "not a digest"),
        (f"x@{SHA256}@{SHA256}", "not a digest"),
        (f"@{SHA256}", "not an image name"),
        (":1", "not an image name"),
        ("/a", "not an image name"),
        ("a/", "not an image name"),
        ("x//y", "not an image name"),
        ("a/b:1:2", "tag that is not allowed"),
        ("http://x/y:1", "registry that is no host name"),
        ("x/y:-bad", "tag that is not allowed"),
        ("x/y:.bad", "tag that is not allowed"),
        ("a:" + "t" * 129, "tag that is not allowed"),
        ("...:1.2.3+build", "tag that is not allowed"),
        ("-a/b", "not an image name"),
        ("a___b", "not an image name"),
        ("a..b", "not an image name"),
        ("a/b-", "not an image name"),
        ("a/_b", "not an image name"),
        ("NGINX:1", "not an image name"),
        ("ghcr.io/Org/App:1", "not an image name"),
        ("-x.io/a", "registry that is no host name"),
        ("x.io:port/a", "registry that is no host name"),
        ("x.io:/a", "registry that is no host name"),
        ("[::g]/a", "registry that is no host name"),
        ("a b", "not an image name"),
        (" nginx", "not an image name"),
        ("nginx\n", "not an image name"),
        ("nginx:1\n", "tag that is not allowed"),
        (f"nginx@{SHA256}\n", "not a digest"),
        ("ngïnx", "not an image name"),
        ("nginx:١", "tag that is not allowed"),
        ("{{ image }}", "not an image name"),
        ("$IMAGE", "not an image name"),
    ],
)
def test_a_text_outside_the_grammar_is_refused_and_told_why(text: str, message: str) -> None:
    with pytest.raises(InvalidReference, match=message):
        parse(text)


def test_an_upper_case_name_is_told_to_be_lower_case() -> None:
    with pytest.raises(InvalidReference) as caught:
        parse("ghcr.io/Org/App:1")
    assert caught.value.hint == "repository names are lower-case"


def test_a_refusal_does_not_repeat_a_long_text() -> None:
    with pytest.raises(InvalidReference) as caught:
        parse("A" * 5000)
    assert len(str(caught.value)) < 200
    assert shortened("a" * 81) == "a" * 77 + "..."


def test_the_path_of_a_repository_is_bounded() -> None:
    # Only the path counts, without the registry: reference.go, RepositoryNameTotalLengthMax.
    assert parse("x.io/" + "a" * MAX_NAME_LENGTH).repository.path == "a" * MAX_NAME_LENGTH
    with pytest.raises(InvalidReference, match="longer than"):
        parse("x.io/" + "a" * (MAX_NAME_LENGTH + 1))
    with pytest.raises(InvalidReference, match="longer than"):
        parse("a" * (MAX_NAME_LENGTH - 7))  # with library/ it is one too long


@pytest.mark.parametrize(
    ("name", "familiar"),
    [
        ("docker.io/library/nginx", "nginx"),
        ("docker.io/acme/api", "acme/api"),
        ("docker.io/library/a/b", "library/a/b"),
        ("ghcr.io/acme/api", "ghcr.io/acme/api"),
    ],
)
def test_a_repository_has_a_familiar_name_that_means_the_same(name: str, familiar: str) -> None:
    assert parse_name(name).familiar == familiar
    assert parse_name(familiar) == parse_name(name)


@pytest.mark.parametrize("text", ["a", "1.2.3", "_", "A-b_c.d", "t" * 128])
def test_a_tag_is_up_to_128_characters_of_a_small_set(text: str) -> None:
    assert is_tag(text)


@pytest.mark.parametrize(
    "text", ["", "-a", ".a", "a+b", "a b", "a/b", "a:b", "é", "a\n", "t" * 129]
)
def test_other_texts_are_no_tag(text: str) -> None:
    assert not is_tag(text)


@pytest.mark.parametrize(
    ("text", "tag", "digest"),
    [
        ("1.2", "1.2", None),
        (f"1.2@{SHA256}", "1.2", SHA256),
        (f"@{SHA256}", None, SHA256),
        ("", None, None),
    ],
)
def test_a_tag_and_digest_beside_a_repository_are_read(
    text: str, tag: str | None, digest: str | None
) -> None:
    assert split_version(text) == (tag, Digest(digest) if digest else None)


@pytest.mark.parametrize("text", ["-a", "1.2@", "@", f"1.2@{SHA256}@", f"a b@{SHA256}", SHA256])
def test_other_texts_are_no_tag_and_digest(text: str) -> None:
    with pytest.raises(InvalidReference):
        split_version(text)


def test_a_digest_knows_its_algorithm_and_a_short_form() -> None:
    assert Digest(SHA256).algorithm == "sha256"
    assert Digest(SHA256).short == "0123456789ab"
    assert str(Digest(SHA256)) == SHA256


def test_another_version_keeps_the_name_as_written() -> None:
    reference = parse("index.docker.io/nginx:1")
    assert reference.with_version("2", None) == "index.docker.io/nginx:2"
    assert reference.with_version("2", Digest(SHA256)) == f"index.docker.io/nginx:2@{SHA256}"
    assert reference.with_version(None, Digest(SHA256)) == f"index.docker.io/nginx@{SHA256}"


# --- Laws ----------------------------------------------------------------------------------------

components = st.from_regex(r"[a-z0-9]{1,3}(?:(?:[._]|__|-{1,2})[a-z0-9]{1,3}){0,2}", fullmatch=True)
# What stands before the first slash would be a registry if it had a dot.
first_components = st.from_regex(r"[a-z0-9]{1,3}(?:-{1,2}[a-z0-9]{1,3}){0,2}", fullmatch=True)
paths = components | st.builds(
    "{}/{}".format, first_components, st.lists(components, min_size=1, max_size=3).map("/".join)
)
hosts = st.sampled_from(
    [
        "localhost",
        "docker.io",
        "index.docker.io",
        "ghcr.io",
        "x.io:443",
        "a:5000",
        "[::1]:5000",
        "Foo",
        "127.0.0.1",
    ]
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)
digests = st.sampled_from([SHA256, OTHER, f"sha384:{HEX64}{HEX64[:32]}"])
names = paths | st.builds("{}/{}".format, hosts, paths)
references = st.builds(
    lambda name, tag, digest: join(name, tag, Digest(digest) if digest else None),
    names,
    st.none() | tags,
    st.none() | digests,
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A reference with a few characters put in, taken out or doubled."""
    text = draw(references)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        taken = draw(st.integers(0, 2))
        put = draw(st.text(alphabet="aZ09._-/:@[]+ é\n", max_size=2))
        text = text[:at] + put + text[at + taken :]
    return text


def oracle(text: str) -> tuple[Repository, str | None, str | None] | None:
    try:
        found = Reference.parse_normalized_named(text)
    except (OracleRefuses, InvalidDigest):
        return None
    return Repository(*found.split_hostname()), found["tag"], found["digest"]


def meaning(text: str) -> tuple[Repository, str | None, str | None] | None:
    try:
        found = parse(text)
    except InvalidReference:
        return None
    return found.repository, found.tag, found.digest.text if found.digest else None


@given(references)
def test_a_parsed_reference_prints_as_written(text: str) -> None:
    reference = parse(text)
    assert str(reference) == text
    assert reference.with_version(reference.tag, reference.digest) == text


@given(references)
def test_a_reference_means_what_the_oracle_reads(text: str) -> None:
    assert meaning(text) == oracle(text) is not None


@given(mutated() | st.text(alphabet="aA0._-/:@[]", max_size=12))
@example("docker.io/" + "a" * 247)
@example("docker.io/library/" + "a" * 248)
@example("x" * 60 + ".io/" + "a" * 250)
@example("Foo")
@example("[::1]")
@example("a:1/b:2")
def test_a_mutated_text_is_refused_or_read_as_by_the_oracle(text: str) -> None:
    # Python's `$` in the oracle matches before a last new line, the grammar does not.
    expected = None if text.endswith("\n") else oracle(text)
    assert meaning(text) == expected


@given(references)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    repository = parse(text).repository
    assert parse_name(str(repository)) == repository
    assert parse_name(repository.familiar) == repository


@given(st.text(max_size=300))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidReference:
        return
    assert isinstance(reference, ImageReference)
    assert str(reference) == text
