"""A picture of a real body as a browser shows it: `make picture` writes it into docs/images/.

The body is the golden one, Markdown becomes HTML as on a forge, and Chromium draws it. The picture
carries a fingerprint of the page, so that a test can tell that it shows what bodies say today.
"""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
BODY = ROOT / "tests" / "golden" / "bodies" / "full.md"
PICTURE = ROOT / "docs" / "images" / "pull-request.png"
TITLE = "Update acme/api to 2.4.1 (minor)"
WIDTH = 960
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"imagebot-page"
_STYLE = """
body { font: 14px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; margin: 0; padding: 24px 32px;
       width: 896px; box-sizing: border-box; background: #fff; }
h1 { font-size: 22px; font-weight: normal; margin: 0 0 16px; border-bottom: 1px solid #d1d9e0;
     padding-bottom: 10px; }
table { border-collapse: collapse; margin: 0 0 16px; }
th, td { border: 1px solid #d1d9e0; padding: 5px 11px; text-align: left; }
tr:nth-child(2n) { background: #f6f8fa; }
code { font: 12px "DejaVu Sans Mono", monospace; background: #eff1f3; border-radius: 5px;
       padding: 2px 5px; }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; overflow: hidden; }
pre code { background: none; padding: 0; }
blockquote { color: #59636e; border-left: 4px solid #d1d9e0; margin: 0 0 16px; padding: 0 14px; }
hr { border: 0; border-top: 3px solid #d1d9e0; margin: 20px 0; }
a { color: #0969da; text-decoration: none; }
.removed { background: #ffebe9; } .added { background: #dafbe1; }
"""
_MEASURE = "document.body.dataset.height = document.documentElement.scrollHeight"


def page(markdown: str) -> str:
    """The HTML page of a body, with nothing to load from anywhere."""
    engine = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = engine.render(markdown)
    for sign, name in (("-", "removed"), ("+", "added")):
        shown = re.sub(
            rf"(?m)^{re.escape(sign)}(?!--)(.*)$", rf'<span class="{name}">{sign}\1</span>', shown
        )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{TITLE}</title>"
        f"<style>{_STYLE}</style><body><h1>{TITLE}</h1>{shown}<script>{_MEASURE}</script></body>"
    )


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def needs_chromium() -> str:
    """The browser; without one a test is skipped, in CI it fails (.ci/run installs it)."""
    found = chromium()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is not installed, and CI must draw the picture")
    if found is None:
        pytest.skip("chromium is not installed")
    return found


def draw(browser: str, html: str, target: Path) -> str:
    """Write the picture, as high as the page; gives back the page as the browser read it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html, encoding="utf-8")
        common = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--force-device-scale-factor=1", f"--user-data-dir={folder}/profile",
        ]  # fmt: skip
        read = _run([*common, f"--window-size={WIDTH},600", "--dump-dom", source.as_uri()])
        height = re.search(r'data-height="(\d{2,5})"', read)
        assert height, "the browser did not run the page's script"
        size = f"--window-size={WIDTH},{height[1]}"
        _run([*common, size, f"--screenshot={target}", source.as_uri()])
    target.write_bytes(_signed(target.read_bytes(), fingerprint(html)))
    return read


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def fingerprint(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()


def signature(picture: bytes) -> str:
    """The fingerprint that a picture carries; "" for none."""
    found = re.search(re.escape(b"tEXt" + _KEYWORD + b"\0") + rb"([0-9a-f]{64})", picture)
    return found[1].decode() if found else ""


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert picture.startswith(_SIGNATURE)
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def _signed(picture: bytes, text: str) -> bytes:
    """With a text chunk before the last one (PNG specification, 11.3.4.3)."""
    body = b"tEXt" + _KEYWORD + b"\0" + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:-12] + chunk + picture[-12:]


if __name__ == "__main__":
    found = chromium()
    if found is None:
        raise SystemExit("no chromium on PATH; on Debian: apt-get install chromium")
    PICTURE.parent.mkdir(exist_ok=True)
    draw(found, page(BODY.read_text(encoding="utf-8")), PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size} bytes")
