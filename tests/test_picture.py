"""The picture in docs/pull-requests.md shows a body of today, and a browser shows bodies well."""

from pathlib import Path

from tests import picture


def _page() -> str:
    return picture.page(picture.BODY.read_text(encoding="utf-8"))


def test_the_committed_picture_shows_the_golden_body() -> None:
    content = picture.PICTURE.read_bytes()
    assert picture.signature(content) == picture.fingerprint(_page()), "run `make picture`"
    assert picture.size_of(content)[0] == picture.WIDTH
    assert len(content) < 200_000


def test_the_page_loads_nothing() -> None:
    html = _page()
    for word in ("<img", "src=", "<link", "@import", "url("):
        assert word not in html


def test_chromium_shows_a_body_with_its_tables_diff_and_links(tmp_path: Path) -> None:
    browser = picture.needs_chromium()
    target = tmp_path / "picture.png"
    read = picture.draw(browser, _page(), target)
    width, height = picture.size_of(target.read_bytes())
    assert width == picture.WIDTH
    assert height > 900
    assert read.count("<table>") == 2
    assert '<span class="added">' in read
    assert 'href="https://github.com/acme/api/compare/' in read
    assert "What differs in" in read
