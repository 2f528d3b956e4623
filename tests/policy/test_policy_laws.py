"""Laws of policy documents: no input breaks the reader, and governing equals its definition."""

from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.image import parse
from imagebot.model import Occurrence
from imagebot.policy import reading
from imagebot.policy.globs import Glob
from imagebot.policy.governing import Governor
from imagebot.policy.model import Policy

HEAD = (
    "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: a, annotations: "
    '{config.kubernetes.io/local-config: "true"}}\n'
)
pieces = st.lists(
    st.sampled_from(
        ["spec:", " ", "\n", "\t", "  images: [", "]", "{", "}", "- ", "'", '"', "&a ", "*a",
         "!!x ", "|", ">", "#", "\\", "\\U00110000", "---\n", "...\n", "%YAML 1.2\n", "? ", ": ",
         "<<: ", "tags: ", "range: ", "1.10", "null", "\r", "\u2028", "\x00", "é", "suspend: "]
    ),
    max_size=25,
)  # fmt: skip


@given(pieces)
@example(['"', "\\U00110000", '"'])
def test_no_text_breaks_the_reader_and_none_of_ours_is_lost_in_silence(written: list[str]) -> None:
    found = reading.find("x.yaml", (HEAD + "".join(written)).encode("utf-8", "replace"))
    assert found.policies or found.problems
    assert bool(found.broken) is any(not each.is_warning for each in found.problems)
    for problem in found.problems:
        assert problem.line >= 0
        assert problem.message


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(source: bytes) -> None:
    reading.find("x.yaml", b"apiVersion: imagebot.dev/x\n" + source)


folders = st.sampled_from(["", "a", "a/b", "c"])
policies = st.lists(
    st.builds(
        lambda number, folder, images, paths: Policy(
            f"p{number}", f"{folder}/imagebot.yaml".lstrip("/"), 1, images, paths
        ),
        st.integers(0, 1000),
        folders,
        st.sampled_from([("**",), ("x.io/a/*",), ("x.io/a/b",), ("x.io/a/b", "x.io/c")]),
        st.sampled_from([("**",), ("*.yaml",), ("b/**",)]),
    ),
    max_size=6,
    unique_by=lambda policy: policy.name,
)


@given(policies, folders, st.sampled_from(["x.io/a/b", "x.io/a/z", "x.io/c", "y.io/d"]))
def test_the_nearest_match_governs_and_two_of_one_folder_never_do(
    written: list[Policy], folder: str, name: str
) -> None:
    file = f"{folder}/m.yaml".lstrip("/")
    governed = Governor(written).govern(
        Occurrence(file, 1, 1, "", "x", (), parse(f"{name}:1"), "1", None)
    )
    matching = [each for each in written if _matches(each, file, name)]
    deepest = max((len(each.folder) for each in matching), default=0)
    nearest = [each for each in matching if len(each.folder) == deepest]
    assert governed.policy == (nearest[0] if len(nearest) == 1 else None)
    assert (governed.problem is not None) is (len(nearest) > 1)


def _matches(policy: Policy, file: str, name: str) -> bool:
    prefix = f"{policy.folder}/" if policy.folder else ""
    return (
        file.startswith(prefix)
        and any(Glob.compile(each).matches(name) for each in policy.images)
        and any(Glob.compile(each).matches(file.removeprefix(prefix)) for each in policy.paths)
    )
