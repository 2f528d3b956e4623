"""Every line whose meaning an edit changes by an alias or a merge key is named, in every format."""

import pytest

from imagebot import formats
from imagebot.formats import sighting

ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n"
CASES = {
    "parameters of an Application": (
        "a.yaml",
        ARGO + "  source:\n    helm:\n      parameters: &p\n"
        "      - {name: image.repository, value: acme/a}\n      - {name: image.tag, value: '1'}\n"
        "  other: *p\n",
        {8: (9,)},
    ),
    "kustomize images of an Application": (
        "a.yaml",
        ARGO + "  source:\n    kustomize:\n      images: &i\n      - acme/a:1\n  other: *i\n",
        {7: (8,)},
    ),
    "entries of a kustomization": (
        "kustomization.yaml",
        "images: &i\n- {name: acme/a, newTag: v1}\nother: *i\n",
        {2: (3,)},
    ),
    "a workflow's matrix": (
        ".github/workflows/a.yaml",
        "jobs:\n  a:\n    strategy: {matrix: {image: &i [\n      acme/a:1]}}\n"
        "    container: ${{ matrix.image }}\n  b:\n    env: {X: *i}\n",
        {4: (7,)},
    ),
    "what Skaffold caches from": (
        "skaffold.yaml",
        "apiVersion: skaffold/v4beta11\nbuild:\n  artifacts:\n  - image: acme/b\n"
        "    docker:\n      cacheFrom: &c\n"
        "      - acme/a:1\n  - docker: {cacheFrom: *c}\n",
        {7: (8,)},
    ),
    "an image under a marker in a list": (
        "a.yaml",
        "a: &a\n- --image=acme/a:1   # imagebot: x\nb: *a\n",
        {2: (3,)},
    ),
    "a digest at its anchor": (
        "a.yaml",
        f"d: &d sha256:{'1a' * 32}\nimage: {{repository: acme/a, tag: v1, digest: *d}}\n",
        {2: (1, 2)},
    ),
    "aliases of aliases": (
        "a.yaml",
        "i: &i acme/a:1\nm: &m {image: *i}\nn: &n {<<: *m}\no: {<<: [*n]}\np: [*m]\n",
        {1: (2, 3, 4, 5)},
    ),
    "a merge key, also where the mapping says it itself": (
        "a.yaml",
        "m: &m\n  image: acme/a:1\nn:\n  <<: *m\n  image: acme/n:2\no:\n  <<: *m\n",
        {2: (7,), 5: ()},
    ),
    "a merge key beside a tag or a name of the mapping's own": (
        "a.yaml",
        "b: &b\n  repository: acme/a\n  tag: v1\none: {image: {<<: *b, tag: v2}}\n"
        "two:\n  image:\n    <<: *b\n    pullPolicy: Always\n",
        {3: (7,), 4: ()},
    ),
    "merge keys in a list, and of a mapping that merges": (
        "a.yaml",
        "m: &m {image: acme/a:1}\nn: &n\n  <<: [*m]\no:\n  <<: *n\np:\n  <<: *n\n"
        "  image: acme/p:1\nq: {<<: *m, image: acme/q:1}\n",
        {1: (3, 5), 8: (), 9: ()},
    ),
    "a merge in a mapping inside an anchored one": (
        "a.yaml",
        "m: &m {image: acme/a:1}\nn: &n\n  deep: {<<: *m}\no: {<<: *n}\n"
        "p: {<<: *n, deep: {}}\nq: {<<: *n, image: acme/q:1}\n",
        {1: (3, 4, 6), 6: ()},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_lines_of_all_aliases_are_told(case: str) -> None:
    file, text, lines = CASES[case]
    found = formats.find(file, text.encode())
    assert {item.line: item.aliases for item in found.occurrences} == lines


def test_all_of_many_aliases_are_told() -> None:
    text = "i: &i {image: acme/a:1}\n" + "".join(f"k{n}: *i\n" for n in range(900))
    (occurrence,) = formats.find("a.yaml", text.encode()).occurrences
    assert occurrence.aliases == tuple(range(2, 902))


def test_that_more_aliases_follow_than_are_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sighting, "_MAX_ALIASES", 2)
    found = formats.find("a.yaml", b"i: &i {image: acme/a:1}\nj: *i\nk: *i\nl: *i\n")
    assert [item.aliases for item in found.occurrences] == [(2, 3)]
    (problem,) = found.problems
    assert (problem.line, problem.is_warning) == (1, True)
    assert problem.message == "more than 2 aliases repeat this, and only the first are listed"
