"""A bad reference never costs its group: good edits go out, and the request tells of the bad."""

import pytest

from tests.acceptance.world import World

TWO = """
---
apiVersion: v1
kind: Pod
metadata: {{name: second}}
spec:
  containers:
    - name: other
      image: {image}
"""


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("{host}/acme/api:1.0.0@sha512:" + "0" * 128, "cannot be edited safely: "),
        ("{host}/acme/api:not a tag", "not a tag"),
    ],
    ids=["cannot be written", "cannot be read"],
)
def test_the_good_edits_go_out_and_the_body_names_the_bad_one_by_file_and_line(
    world: World, image: str, why: str
) -> None:
    path = world.write_deployment("api", "1.0.0")
    good = path.read_text()
    path.write_text(good + TWO.format(image=image.format(host=world.registry.host)))
    world.commit("Add a bad reference", push=True)
    line = path.read_text().count("\n")
    assert world.apply() in (0, 3)
    (request,) = world.open_requests()
    assert "acme/api:1.1.0" in world.content(request.head, "apps/api/deployment.yaml")
    (told,) = [each for each in request.body.splitlines() if each.startswith("- `apps/api/")]
    assert told.startswith(f"- `apps/api/deployment.yaml:{line}`: ")
    assert why in told
    before = world.everything()
    world.apply()
    assert world.everything() == before
    path.write_text(good)
    world.commit("Mend it", push=True)
    world.apply()
    (request,) = world.open_requests()
    assert "Not in this request" not in request.body
