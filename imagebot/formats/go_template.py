"""Files that are Go templates by their name: `helmfile.yaml.gotmpl`, `values.yaml.gotmpl`.

Pure. What such a file says is known only once it is filled in, so it is reported where it seems
to hold an image; a value in it is edited under a marker on its line, as in any text.
"""

from imagebot.formats.page import Page
from imagebot.formats.prefilter import image_offset
from imagebot.yaml_nodes import Section

NAME = "go-template"


def read(page: Page) -> None:
    at = image_offset(page.source, Section(0, len(page.source)))
    if at >= 0:
        page.report(
            at,
            "a Go template: the images in this file are known only once it is filled in",
            hint="only values under a marker on their line (# imagebot: NAME) are edited in it",
        )
