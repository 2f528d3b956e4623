"""Occurrences kept by blob id say what a new search would say."""

from imagebot import formats

SOURCE = b"""image:
  registry: ghcr.io
  repository: acme/api
  tag: &tag "1.2"  # imagebot: api:tag
  digest: ""
other: {repository: acme/b, tag: *tag}
image2: ${X}
x: # imagebot: y
"""


def test_what_was_kept_is_what_was_found() -> None:
    found = formats.find("a/values.yaml", SOURCE)
    assert found.occurrences
    assert found.problems
    assert formats.load("a/values.yaml", formats.dump(found)) == found


def test_one_blob_at_two_paths_is_kept_once() -> None:
    assert formats.cache_key("a/values.yaml", "1f") == formats.cache_key("b/x.yml", "1f")
    kept = formats.dump(formats.find("a/values.yaml", SOURCE))
    assert formats.load("b/x.yml", kept) == formats.find("b/x.yml", SOURCE)


def test_a_kustomization_by_name_is_kept_apart() -> None:
    assert formats.cache_key("a/kustomization.yaml", "1f") != formats.cache_key("a/x.yaml", "1f")


def test_a_key_changes_with_the_extractor_and_the_blob() -> None:
    assert formats.EXTRACTOR_VERSION in formats.cache_key("a.yaml", "1f")
    assert formats.cache_key("a.yaml", "1f") != formats.cache_key("a.yaml", "2f")


def test_a_blob_without_images_costs_no_bytes() -> None:
    assert formats.dump(formats.find("a.yaml", b"a: 1\n")) == b""
    assert formats.load("a.yaml", b"") == formats.Found((), ())
