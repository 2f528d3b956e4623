"""The demo's registry keeps to the distribution spec as far as it goes."""

import hashlib

import requests

from imagebot.demo.registry import EmbeddedRegistry


def test_a_blob_is_uploaded_in_pieces_and_read_back() -> None:
    blob = b"hello world"
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    with EmbeddedRegistry() as registry, requests.Session() as http:
        base = f"http://{registry.host}"
        place = http.post(f"{base}/v2/a/b/blobs/uploads/").headers["Location"]
        place = http.patch(base + place, data=blob[:5]).headers["Location"]
        assert http.put(base + place, params={"digest": digest}, data=blob[5:]).status_code == 201
        assert http.get(f"{base}/v2/a/b/blobs/{digest}").content == blob
        assert http.head(f"{base}/v2/a/b/blobs/{digest}").headers["Content-Length"] == "11"


def test_a_blob_with_another_digest_is_refused() -> None:
    with EmbeddedRegistry() as registry:
        url = f"http://{registry.host}/v2/a/blobs/uploads/?digest=sha256:00"
        assert requests.post(url, data=b"x", timeout=5).status_code == 400


def test_a_manifest_is_read_by_tag_and_by_digest() -> None:
    with EmbeddedRegistry() as registry:
        registry.add("a", "1.0")
        url = f"http://{registry.host}/v2/a/manifests/"
        by_tag = requests.get(url + "1.0", timeout=5)
        digest = by_tag.headers["Docker-Content-Digest"]
        assert requests.get(url + digest, timeout=5).content == by_tag.content
        assert requests.get(url + "2.0", timeout=5).status_code == 404


def test_each_seeded_image_has_a_digest_of_its_own() -> None:
    with EmbeddedRegistry() as registry:
        registry.add("a", "1.0", "1.1")
        registry.add("b", "1.0")
        url = f"http://{registry.host}/v2"
        digests = [
            requests.head(f"{url}/{path}", timeout=5).headers["Docker-Content-Digest"]
            for path in ("a/manifests/1.0", "a/manifests/1.1", "b/manifests/1.0")
        ]
        assert len(set(digests)) == 3


def test_a_removed_tag_is_listed_no_more() -> None:
    with EmbeddedRegistry() as registry:
        registry.add("a", "1.0", "1.1")
        registry.remove_tag("a", "1.0")
        answer = requests.get(f"http://{registry.host}/v2/a/tags/list", timeout=5)
        assert answer.json() == {"name": "a", "tags": ["1.1"]}
