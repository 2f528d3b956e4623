"""Policy documents: found by content, refused like a compiler would."""

from datetime import date, timedelta

import pytest

from imagebot.image import Platform
from imagebot.model import Problem
from imagebot.policy.model import (
    Cooldown,
    Held,
    Order,
    Pin,
    Policy,
    PullRequestRules,
    Skip,
    Suffix,
    Suspension,
    TagTime,
    UnknownAge,
)
from imagebot.policy.reading import find
from imagebot.version import Step

HEAD = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: api
  annotations: {config.kubernetes.io/local-config: "true"}
"""


def policy(spec: str) -> Policy:
    found = find("apps/imagebot.yaml", (HEAD + spec).encode())
    assert not found.problems
    (only,) = found.policies
    return only


def problems(text: str) -> tuple[Problem, ...]:
    found = find("apps/imagebot.yaml", text.encode())
    assert not found.policies
    return found.problems


def told(spec: str) -> tuple[str, str, str, str]:
    """Place, key path, message and hint of the one problem of a spec."""
    (only,) = problems(HEAD + spec)
    return f"{only.line}:{only.column}", only.address, only.message, only.hint


def test_every_key_of_a_policy_is_read() -> None:
    read = policy("""\
spec:
  images: [nginx, "ghcr.io/acme/worker-*"]
  paths: ["prod/**"]
  tags:
    order: semver
    range: ">=2.1 <3"
    filter: '^v(?P<version>.+)-alpine$'
    extract: '$version'
    exclude: ['-debug$']
    allow: minor
    coerce: true
    suffix: newer
  pin: digest
  platforms: [linux/amd64, linux/arm/v7]
  cooldown: {default: 1d, major: 14d, minor: 3d12h, patch: 90s, digest: 0s, unknownAge: admit}
  held: wait
  skip: [{tag: v2.4.0-alpine, reason: "leaks", until: 2026-12-01}, {tag: v2.5.0-alpine}]
  suspend: {reason: "freeze", until: 2026-12-01}
  pullRequest: {group: backend, labels: [deps], reviewers: [acme/platform, octocat]}
""")
    assert read.images == ("docker.io/library/nginx", "ghcr.io/acme/worker-*")
    assert read.paths == ("prod/**",)
    assert str(read.tags.range) == ">=2.1 <3"
    assert str(read.tags.filter) == "^v(?P<version>.+)-alpine$"
    assert read.tags.extract == ("$version",)
    assert [str(each) for each in read.tags.exclude] == ["-debug$"]
    assert read.tags.allow is Step.MINOR
    assert (read.tags.coerce, read.tags.suffix) == (True, Suffix.NEWER)
    assert read.pin is Pin.DIGEST
    assert read.platforms == (Platform("linux", "amd64"), Platform("linux", "arm", "v7"))
    assert read.cooldown == Cooldown(
        default=timedelta(days=1),
        major=timedelta(days=14),
        minor=timedelta(days=3, hours=12),
        patch=timedelta(seconds=90),
        digest=timedelta(0),
        unknown_age=UnknownAge.ADMIT,
    )
    assert read.held is Held.WAIT
    assert read.skip == (
        Skip("v2.4.0-alpine", "leaks", date(2026, 12, 1)),
        Skip("v2.5.0-alpine"),
    )
    assert read.suspend == Suspension("freeze", date(2026, 12, 1))
    assert read.pull_request == PullRequestRules("backend", ("deps",), ("acme/platform", "octocat"))
    assert (read.folder, read.line, read.identity) == ("apps", 1, "apps/imagebot.yaml#api")


def test_the_keys_of_each_order_are_read() -> None:
    dated = policy("spec: {tags: {order: date, layout: '%Y.%m.%N'}}\n").tags
    assert (dated.order, str(dated.layout)) == (Order.DATE, "%Y.%m.%N")
    built = policy("spec: {tags: {order: newest-build, time: first-seen}}\n").tags
    assert (built.order, built.time) == (Order.NEWEST_BUILD, TagTime.FIRST_SEEN)
    several = policy("spec: {tags: {filter: '(?P<a>.)(?P<b>.)', extract: [$a, $b]}}\n").tags
    assert several.extract == ("$a", "$b")


def test_one_cooldown_holds_for_every_step() -> None:
    assert policy("spec: {cooldown: 3d}\n").cooldown == Cooldown(timedelta(days=3))


def test_an_empty_spec_governs_everything_below_with_the_defaults() -> None:
    read = policy("spec: {}\n")
    assert read == Policy("api", "apps/imagebot.yaml", 1)


@pytest.mark.parametrize(
    ("written", "expected"), [("true", Suspension()), ("false", None), ("{}", Suspension())]
)
def test_suspend_is_a_switch_or_a_mapping(written: str, expected: Suspension | None) -> None:
    assert policy(f"spec: {{suspend: {written}}}\n").suspend == expected


def test_policies_are_found_among_manifests_in_any_file() -> None:
    source = f"""\
# a Kubernetes manifest, and the annotation imagebot.dev/ that is none of ours
apiVersion: v1
kind: ConfigMap
metadata: {{name: x, annotations: {{imagebot.dev/note: hello}}}}
data: {{policy: "apiVersion: imagebot.dev/v1alpha1"}}
---
{HEAD}spec: {{images: [a]}}
---
{HEAD.replace("name: api", "name: web")}spec: {{images: [b]}}
...
"""
    found = find("base/all.yml", source.encode())
    assert [(each.name, each.line) for each in found.policies] == [("api", 7), ("web", 14)]
    assert not found.problems


def test_a_broken_neighbour_does_not_hide_a_policy() -> None:
    source = "{{ if .Values.x }}\na: [\n---\n" + HEAD + "spec: {}\n---\n}} # imagebot.dev/\n"
    found = find("x.yaml", source.encode())
    assert [each.name for each in found.policies] == ["api"]
    assert not found.problems


def test_a_file_without_policies_is_not_parsed() -> None:
    assert find("x.yaml", b"\xff\xfe [[[[ imagebot.example") == find("y.yaml", b"")


def test_settings_are_left_to_the_settings() -> None:
    found = find("s.yaml", b"apiVersion: imagebot.dev/v1alpha1\nkind: Settings\nwrong: 1\n")
    assert found.has_settings
    assert not found.problems


def test_a_missing_local_config_annotation_is_a_warning_and_the_policy_counts() -> None:
    source = (
        b"apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: a}\nspec: {}\n"
    )
    found = find("x.yaml", source)
    assert len(found.policies) == 1
    (only,) = found.problems
    assert only.is_warning
    assert (only.line, only.column) == (3, 1)
    assert 'config.kubernetes.io/local-config: "true"' in only.hint


@pytest.mark.parametrize(
    ("spec", "place", "address", "message", "hint"),
    [
        ("spec: {tags: {rnage: '1'}}", "6:15", "spec.tags.rnage", "unknown key 'rnage'",
         "did you mean 'range'?"),
        ("spec: {Images: [a]}", "6:8", "spec.Images", "unknown key 'Images'",
         "did you mean 'images'?"),
        ("spec: {zzz: 1}", "6:8", "spec.zzz", "unknown key 'zzz'", "freezes, held, images"),
        ("spec: {pull_request: {}}", "6:8", "spec.pull_request", "unknown key",
         "did you mean 'pullRequest'?"),
        ("spec: {cooldown: 3}", "6:18", "spec.cooldown", "found the number 3, allowed: a time", ""),
        ("spec: {cooldown: 3y}", "6:18", "spec.cooldown", "allowed: a time such as", ""),
        ("spec: {cooldown: 400d}", "6:18", "spec.cooldown", "out of bounds, allowed: 0s to 365d",
         ""),
        ("spec: {cooldown: {major: never}}", "6:26", "spec.cooldown.major", "a time such as", ""),
        ("spec: {cooldown: {mayor: 1d}}", "6:19", "spec.cooldown.mayor", "unknown key",
         "did you mean 'major'?"),
        ("spec: {platforms: [amd64]}", "6:20", "spec.platforms[0]", "not a platform: 'amd64'",
         "os/architecture"),
        ("spec: {held: never}", "6:14", "spec.held", "allowed: 'next' or 'wait'", ""),
        ("spec: {skip: [{tag: ''}]}", "6:21", "spec.skip[0].tag", "allowed: a tag", ""),
        ("spec: {skip: [2.4.0]}", "6:15", "spec.skip[0]", "a mapping of keys", ""),
        ("spec: {tags: {order: date, layout: '%m.%d'}}", "6:36", "spec.tags.layout",
         "has no year", "%Y"),
        ("spec: {tags: {order: date, layout: '%Y.%Q'}}", "6:36", "spec.tags.layout",
         "unknown part '%Q'", "parts: %Y"),
        ("spec: {tags: {layout: '%Y'}}", "6:23", "spec.tags.layout", "semver has no layout",
         "the order date"),
        ("spec: {tags: {order: numeric, range: '1'}}", "6:38", "spec.tags.range",
         "numeric has no range", "semver"),
        ("spec: {tags: {order: digest, filter: a}}", "6:38", "spec.tags.filter",
         "digest has no filter", "remove it"),
        ("spec: {tags: {order: digest}, pin: tag}", "6:36", "spec.pin", "needs a digest", "remove"),
        ("spec: {tags: {filter: a, extract: [$0, b]}}", "6:35", "spec.tags.extract",
         "'b' names no group", "$version"),
        ("spec: {tags: {filter: a, extract: []}}", "6:35", "spec.tags.extract",
         "a list of 0, allowed: 1 to 5", ""),
        ("spec: {tags: {filter: a, extract: 1}}", "6:35", "spec.tags.extract",
         "found the number 1, allowed: a text", ""),
        ("spec: {range: '1'}", "6:8", "spec.range", "not supported yet", "under tags"),
        ("spec: {tags: {skip: ['1']}}", "6:15", "spec.tags.skip", "may not be written here",
         "beside tags"),
        ("spec: {tags: {order: semvr}}", "6:22", "spec.tags.order", "allowed: 'semver', 'numeric'",
         "did you mean 'semver'?"),
        ("spec: {tags: {allow: minr}}", "6:22", "spec.tags.allow", "found the text 'minr'",
         "did you mean 'minor'?"),
        ("spec: {tags: {range: 1.10}}", "6:22", "spec.tags.range",
         "found the number 1.10, allowed: a text", "put it in quotes"),
        ("spec: {tags: {range: '>=2.x <<3'}}", "6:22", "spec.tags.range", "<<3", ""),
        ("spec: {tags: {filter: '*-alpine'}}", "6:23", "spec.tags.filter", "*-alpine",
         "not a glob"),
        ("spec: {tags: {filter: '(?=a)'}}", "6:23", "spec.tags.filter", "(?=", "RE2"),
        ("spec: {tags: {exclude: ['(']}}", "6:25", "spec.tags.exclude[0]", "(", "RE2"),
        ("spec: {tags: {extract: $v}}", "6:24", "spec.tags.extract", "extract needs a filter", ""),
        ("spec: {tags: {filter: '(?P<w>.)', extract: $v}}", "6:44", "spec.tags.extract",
         "no group 'v'", "known groups"),
        ("spec: {tags: {filter: '(.)', extract: v}}", "6:39", "spec.tags.extract",
         "names no group", "$version"),
        ("spec: {images: nginx}", "6:16", "spec.images", "found the text 'nginx', allowed: a list",
         "write [nginx]"),
        ("spec: {images: []}", "6:16", "spec.images", "empty list", ""),
        ("spec: {images: [a, a]}", "6:16", "spec.images", "'docker.io/library/a' is listed twice",
         ""),
        ("spec: {images: ['nginx:1.29']}", "6:17", "spec.images[0]", "has a tag or digest",
         "leave tag and digest out"),
        ("spec: {images: [Nginx]}", "6:17", "spec.images[0]", "not an image name", "lower-case"),
        ("spec: {images: ['*']}", "6:17", "spec.images[0]", "official images only", "**"),
        ("spec: {images: ['acme/**x']}", "6:17", "spec.images[0]", "joins **", ""),
        ("spec: {paths: [/a.yaml]}", "6:16", "spec.paths[0]", "starts with /", "relative"),
        ("spec: {paths: [prod]}", "6:16", "spec.paths[0]", "without an ending", "prod/**"),
        ("spec: {paths: [../x/**]}", "6:16", "spec.paths[0]", ". or ..", ""),
        ("spec: {paths: ['[ab].yaml']}", "6:16", "spec.paths[0]", "holds '['", ""),
        ("spec: {pin: true}", "6:13", "spec.pin", "found true, allowed: 'tag', 'digest' or 'keep'",
         ""),
        ("spec: {suspend: yes}", "6:17", "spec.suspend", "found the text 'yes'", ""),
        ("spec: {suspend: {until: 2026-02-30}}", "6:25", "spec.suspend.until", "no day", ""),
        ("spec: {suspend: {until: tomorrow}}", "6:25", "spec.suspend.until", "a day such as", ""),
        ("spec: {suspend: {since: x}}", "6:18", "spec.suspend.since", "unknown key 'since'",
         "allowed here: reason, until"),
        ("spec: {pullRequest: {reviewers: ['@me']}}", "6:34", "spec.pullRequest.reviewers[0]",
         "allowed: a user name", "without the @"),
        ("spec: {pullRequest: {labels: ['a,b']}}", "6:31", "spec.pullRequest.labels[0]",
         "no comma", ""),
        ("spec: {pullRequest: {group: 'a/b'}}", "6:29", "spec.pullRequest.group", "allowed", ""),
        ("spec: {pullRequest: {automerge: true}}", "6:22", "spec.pullRequest.automerge",
         "unknown key", "autoMerge"),
        ("spec:", "6:6", "spec", "found nothing, allowed: a mapping of keys", ""),
        ("", "1:1", "spec", "the key 'spec' is missing", ""),
        ("spec: {}\nstatus: {}", "7:1", "status", "not supported yet", ""),
        ("spec: {pin: tag, pin: tag}", "6:18", "", "written twice, first on line 6", "remove"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_place_key_path_and_what_to_do(
    spec: str, place: str, address: str, message: str, hint: str
) -> None:
    found = told(spec)
    assert found[:2] == (place, address)
    assert message in found[2]
    assert hint in found[3]


def test_the_name_is_required_and_like_a_kubernetes_name() -> None:
    (only,) = problems(HEAD.replace("name: api", "name: My_API") + "spec: {}\n")
    assert (only.line, only.column, only.address) == (4, 9, "metadata.name")
    assert "my-api" in only.hint
    (only,) = problems(HEAD.replace("  name: api\n", "") + "spec: {}\n")
    assert (only.address, only.message) == ("metadata.name", "the key 'name' is missing")
    assert (only.line, only.column) == (3, 1)


def test_all_problems_of_all_documents_of_a_file_come_at_once_in_order() -> None:
    first = HEAD.replace("name: api", "name: A") + "spec: {pin: x, imags: [a], pin: y}\n"
    second = "\n---\n" + HEAD + "spec: {tags: {range: '>', alow: x}}\n"
    found = problems(first + second)
    assert [(each.line, each.address) for each in found] == [
        (4, "metadata.name"),
        (6, "spec.pin"),
        (6, "spec.imags"),
        (6, ""),
        (14, "spec.tags.range"),
        (14, "spec.tags.alow"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: ImagePolicy", "kind: ImagePolcy", "allowed: 'ImagePolicy' or 'RepositoryPolicy'"),
        ("kind: ImagePolicy\n", "", "the key 'kind' is missing"),
        ("imagebot.dev/v1alpha1", "imagebot.dev/v1", "allowed: 'imagebot.dev/v1alpha1'"),
        ("metadata:", "metadata: [", "not YAML"),
    ],
)
def test_a_document_of_ours_that_cannot_be_used_is_never_silent(
    old: str, new: str, words: str
) -> None:
    (only,) = problems(HEAD.replace(old, new) + "spec: {}\n")
    assert words in only.message


def test_a_policy_with_errors_still_says_what_it_meant_to_govern() -> None:
    source = HEAD + "spec: {images: [nginx], paths: ['a/**'], tags: {range: '>'}}\n"
    (broken,) = find("apps/imagebot.yaml", source.encode()).broken
    assert broken.name == "api"
    assert broken.images == ("docker.io/library/nginx",)
    assert broken.paths == ("a/**",)


def test_a_policy_whose_images_cannot_be_read_stands_for_all_images() -> None:
    for text in (HEAD + "spec: {images: [A]}\n", HEAD + "spec: {images: [a\n"):
        (broken,) = find("apps/imagebot.yaml", text.encode()).broken
        assert broken.images == ("**",)


def test_a_hostile_file_costs_little_and_hides_nothing() -> None:
    bomb = HEAD + "spec: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"k{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (only,) = problems(bomb)
    assert "aliases written out" in only.message
    many = ("---\n" + HEAD + "spec: {}\n#" + "x" * 40_000 + "\n") * 40
    found = find("x.yaml", many.encode())
    assert "larger than 1 MiB together" in found.problems[-1].message
    assert found.broken


def test_a_large_manifest_that_only_mentions_us_is_no_problem() -> None:
    large = "kind: ConfigMap\nmetadata: {annotations: {imagebot.dev/x: y}}\ndata:\n"
    large += "".join(f"  k{number}: {'v' * 1000}\n" for number in range(1200))
    assert find("x.yaml", large.encode()).problems == ()


@pytest.mark.parametrize("text", [">2 <1", ">=1.2.0 <1.2.0", ">2 <1 || >4 <3"])
def test_a_range_without_any_version_is_an_error(text: str) -> None:
    place, key, message, hint = told(f"spec: {{images: [a], tags: {{range: '{text}'}}}}\n")
    assert (place, key) == ("6:35", "spec.tags.range")
    assert "no version is in it" in message + hint


@pytest.mark.parametrize("text", ["<1 || >2", "1.2.3", ">=1.0.0-0 <1.0.0", "*", "^0.0.1"])
def test_a_range_that_one_group_can_fill_is_none(text: str) -> None:
    assert policy(f"spec: {{images: [a], tags: {{range: '{text}'}}}}\n").tags.range


def test_a_tag_that_is_skipped_twice_is_an_error() -> None:
    skips = "[{tag: 1.2.0, until: 2026-01-01}, {tag: 1.3.0}, {tag: 1.2.0}]"
    place, key, message, _ = told(f"spec: {{images: [a], skip: {skips}}}\n")
    assert (place, key) == ("6:27", "spec.skip")
    assert "1.2.0 stands here twice" in message
