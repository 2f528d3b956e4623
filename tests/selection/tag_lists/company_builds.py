"""How companies name what they build: branches, commits, build numbers, days."""

from imagebot.patterns import Pattern
from imagebot.policy.model import Order, TagRules
from tests.selection.tag_lists.listing import (
    MINOR,
    PATCH,
    Case,
    Listing,
    extracting,
    within,
)

COMPANY = (
    Listing(
        "registry.example.com/shop/api",
        """
        latest main main-3f2a9c1-1728900000 main-9b8c7d6-1728903600 main-0a1b2c3-1728986400
        feature-login-4d5e6f7-1728990000 main-1234567-1728800000 main-3f2a9c1 develop
        develop-7f6e5d4-1728999999 main-a1b2c3d4-1728700000
        """,
        (
            Case("main-3f2a9c1-1728900000", None, "ten digits are a time only by agreement"),
            Case(
                "main-3f2a9c1-1728900000",
                "main-0a1b2c3-1728986400",
                "the agreement as a policy",
                TagRules(
                    order=Order.NUMERIC,
                    filter=Pattern.compile(r"^main-[0-9a-f]+-(?P<ts>\d+)$"),
                    extract=("$ts",),
                ),
            ),
        ),
    ),
    Listing(
        "registry.example.com/shop/web",
        """
        latest 2024.10.1-aabbcc1 2024.10.13-1a2b3c4 2024.10.14-3f2a9c1 2024.9.30-0011aab 2024.10.14
        2024.10.2 1.4.2 1.5.0 2024.10.15-feature-x 2024.11.01-rc1-99aa00b
        """,
        (
            Case("2024.10.1-aabbcc1", "2024.10.14-3f2a9c1", "14 is after 2 and 9"),
            Case("2024.10.2", "2024.10.14"),
            Case("1.4.2", "1.5.0", "years are another way of counting"),
            Case("2024.10.1-aabbcc1", None, "no later patch of September", within("~2024.9")),
        ),
    ),
    Listing(
        "registry.example.com/shop/worker",
        """
        build-98 build-99 build-100 build-1234 build-1235 build-1240-3f2a9c1 latest
        build-1200-0a1b2c3 build-1236-rc1 buildx-cache 1234 build-latest
        """,
        (
            Case("build-1234", "build-1235", "counted; 1236-rc1 is none, 1240-... another form"),
            Case("build-99", "build-1235", "as numbers, not as text"),
            Case("build-1200-0a1b2c3", "build-1240-3f2a9c1"),
        ),
    ),
    Listing(
        "registry.example.com/shop/cart",
        """
        1.2.3 1.2.3-45.g3f2a9c1 1.2.3-46.g0a1b2c3 1.2.3-100.gdeadbee 1.2.4-2.g7f6e5d4 1.2.2
        1.3.0-rc.1 1.2.3-47.gabcdef0-dirty 1.2.3-debug latest
        """,
        (
            Case("1.2.3-45.g3f2a9c1", "1.2.4-2.g7f6e5d4", "commits after 1.2.4"),
            Case("1.2.3-46.g0a1b2c3", "1.2.4-2.g7f6e5d4", "100 is after 46, 1.2.4 after both"),
            Case("1.2.2", "1.2.3"),
        ),
    ),
    Listing(
        "registry.example.com/shop/mail",
        """
        v1.2.3 v1.2.3-5-g3f2a9c1 v1.2.3-9-g0a1b2c3 v1.2.3-12-gdeadbee v1.2.2-30-g7f6e5d4
        v1.2.3-12-gdeadbee-dirty v1.2.2 v1.2.4-rc.1-3-gaaaabbb v1.2.3-fix latest
        """,
        (
            Case("v1.2.3-5-g3f2a9c1", "v1.2.3-12-gdeadbee", "git describe counts commits"),
            Case("v1.2.2-30-g7f6e5d4", "v1.2.3-12-gdeadbee"),
            Case("v1.2.2", "v1.2.3"),
            Case("v1.2.3", None, "commits after 1.2.3 are no release"),
        ),
    ),
    Listing(
        "registry.example.com/shop/stock",
        """
        1.3.0 1.3.1 1.4.0-SNAPSHOT 1.5.0-SNAPSHOT 1.3.1-SNAPSHOT 1.3.1-20241014.101112-3
        1.2.0.RELEASE 1.3.0.RELEASE 1.4.0.M1 latest 1.1.0.Final 1.2.0.Final
        """,
        (
            Case("1.3.0", "1.3.1"),
            Case("1.4.0-SNAPSHOT", None, "1.5.0-SNAPSHOT is another pre-release"),
            Case("1.3.1-SNAPSHOT", "1.3.1", "its release"),
            Case("1.2.0.RELEASE", "1.3.0.RELEASE"),
            Case("1.1.0.Final", "1.2.0.Final"),
        ),
    ),
    Listing(
        "registry.example.com/shop/report",
        """
        release-2024w39 release-2024w41 release-2024w40 release-2024w5 release-2023w52
        release-2025w1 release-1.2 release-1.3 hotfix-2024w41 latest
        """,
        (
            Case("release-2024w39", "release-2025w1", "the year first, then the week as a number"),
            Case("release-2024w5", "release-2024w41", "within the year", MINOR),
            Case("release-1.2", "release-1.3"),
            Case("hotfix-2024w41", None),
        ),
    ),
    Listing(
        "registry.example.com/shop/search",
        """
        20241001-3f2a9c1 20241014-0a1b2c3 20240930-7f6e5d4 20241002-1234567 20241014 20241015-test
        3f2a9c1 0a1b2c3 1.0.0 main-20241015-aabbcc1 main-20241016-ddeeff0
        """,
        (
            Case("20241001-3f2a9c1", "20241014-0a1b2c3"),
            Case("20241014-0a1b2c3", None),
            Case("main-20241015-aabbcc1", "main-20241016-ddeeff0"),
            Case("20241014", None, "eight digits alone may be anything"),
            Case("1.0.0", None),
        ),
    ),
    Listing(
        "registry.example.com/shop/pay",
        """
        3f2a9c1 0a1b2c3 1234567 7654321 9b8c7d6e5f4a39281706152433445566778899aa sha-1a2b3c4
        sha-9f8e7d6 git-0a1b2c3 3f2a9c1-amd64 0a1b2c3-amd64 c0ffee1
        """,
        (
            Case("3f2a9c1", None, "commits have no order"),
            Case("1234567", None, "may be a commit"),
            Case("sha-1a2b3c4", None),
            Case("3f2a9c1-amd64", None),
        ),
    ),
    Listing(
        "registry.example.com/shop/legacy",
        """
        1.2.3.4 1.2.3.5 1.2.3.10 1.2.4.1 1.2.4 1.3.0.0-rc1 1.2.3 2.0.0.0 1.2.3.11-alpine
        2.0.0.0-beta 1.2.3.4-alpine
        """,
        (
            Case("1.2.3.4", "2.0.0.0"),
            Case("1.2.3.5", "1.2.4.1", rules=MINOR),
            Case("1.2.3.5", "1.2.3.10", "ten is after five", within("~1.2.3 <1.2.4")),
            Case("1.2.3", "1.2.4", "three numbers stay three"),
            Case("1.2.3.4-alpine", "1.2.3.11-alpine"),
            Case("1.3.0.0-rc1", None, "2.0.0.0 has another suffix"),
        ),
    ),
    Listing(
        "registry.example.com/shop/branches",
        """
        feature-x-12 feature-x-13 feature-y-99 pr-123 pr-124 mr-7 main-41 main-42 develop-77
        issue-12 issue-13 stable prod staging test v1 v2-beta
        """,
        (
            Case("feature-x-12", None, "12 may be an issue as well as a build"),
            Case("pr-123", None, "another pull request"),
            Case("issue-12", None),
            Case("main-41", "main-42", "builds of the main branch are counted"),
            Case("stable", None),
            Case("prod", None),
            Case("v1", None, "v2-beta is a pre-release"),
        ),
    ),
    Listing(
        "registry.example.com/shop/svn",
        """
        r98 r99 r123 r124 r1001 trunk-r1001 latest rev-5 r99-hotfix r124-debug
        """,
        (Case("r123", "r1001"), Case("r99", "r1001"), Case("rev-5", None)),
    ),
    Listing(
        "registry.example.com/shop/azure",
        """
        20241014.1 20241014.3 20241014.12 20241013.9 20241015.1 latest 14.1 15.2 20240101.1
        20231231.7
        """,
        (
            Case("20241014.3", "20241015.1", "day and count, as Azure Pipelines names builds"),
            Case("20241013.9", "20241015.1"),
            Case("14.1", "15.2", "days are another way of counting"),
        ),
    ),
    Listing(
        "registry.example.com/shop/stamped",
        """
        1.2.3 1.2.4 1.2.20241014 1.2.20241001 1.2.3-20241001 1.2.3-20241014 1.2.4-20240930
        1.2.3-20241001120000 1.2.3-20241001-3f2a9c1 1.2.3-20241014-0a1b2c3 2.0.20240101
        """,
        (
            Case("1.2.3", "1.2.4", "1.2.20241014 is a build of a day"),
            Case("1.2.20241001", "1.2.20241014", rules=PATCH),
            Case("1.2.3-20241001", "1.2.4-20240930", "the version decides before the day"),
            Case("1.2.3-20241001-3f2a9c1", "1.2.3-20241014-0a1b2c3"),
        ),
    ),
    Listing(
        "registry.example.com/shop/tiers",
        """
        api-v1.2.0 api-v1.3.0 web-v1.9.0 web-v2.0.0 api-v1.3.0-rc.1 api-v1.3.0-debug api-1.4.0
        api-latest API-v1.4.0 api_v1.5.0 api-v1.3
        """,
        (
            Case("api-v1.2.0", "api-v1.3.0", "another component's 2.0.0 is none of ours"),
            Case("web-v1.9.0", "web-v2.0.0"),
            Case("api-v1.3", None),
        ),
    ),
    Listing(
        "registry.example.com/shop/calver",
        """
        24.04.1 24.10.2 2024.1 1.25 1.26 2024.2 2025.1 24.10-rc1 240401 8 9 2024 2024.1.1 24.9.1
        """,
        (
            Case("1.25", "1.26", "years are another way of counting"),
            Case("2024.1.1", None, "24.10.2 is not after it"),
            Case("2024.1", "2025.1"),
            Case("24.04.1", "24.10.2"),
            Case("8", "9", "2024 is a year, 240401 a day"),
        ),
    ),
    Listing(
        "registry.example.com/shop/numbers",
        """
        1 2 10 41 42 100 999 1000 4829103 latest 1.0 123456789012345678901234567890
        """,
        (
            Case("42", "1000", "bare counts of builds go up"),
            Case("9", "1000", "a tag that was removed since"),
            Case("4829103", None),
        ),
    ),
    Listing(
        "registry.example.com/shop/signed",
        """
        1.0.0 1.0.1 1.1.0
        sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sig
        sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.att
        sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.sbom
        sha256-9999999999999999999999999999999999999999999999999999999999999999
        sha256-9999999999999999999999999999999999999999999999999999999999999999.1.9.9 cache
        buildcache 1.0.0.sig 1.1.0-attestation
        """,
        (
            Case("1.0.0", "1.1.0"),
            Case("1.0.0", "1.0.1", rules=PATCH),
            Case("1.0.0", "1.0.1", "by hand", extracting(r"^(1\.0\.\d+)$", "$1")),
        ),
    ),
    Listing(
        "registry.example.com/shop/pseudo",
        """
        v0.0.0-20240101120000-3f2a9c1abcde v0.0.0-20241014093000-0a1b2c3d4e5f v0.1.0 v0.1.1
        v0.1.2-0.20241001000000-7f6e5d4c3b2a v0.0.0 latest v0.1.2-pre.1 v0.0.1 main
        """,
        (
            Case(
                "v0.0.0-20240101120000-3f2a9c1abcde",
                "v0.0.0-20241014093000-0a1b2c3d4e5f",
                "Go's pseudo-versions: a time, then a commit",
            ),
            Case("v0.1.0", "v0.1.1"),
        ),
    ),
)
