"""Distributions and bare bases."""

from tests.selection.tag_lists.listing import (
    MINOR,
    NEWER_SUFFIX,
    PATCH,
    Case,
    Listing,
    extracting,
    within,
)

SYSTEM = (
    Listing(
        "alpine",
        """
        latest edge 3 3.17 3.18 3.19 3.20 3.21 3.18.9 3.19.1 3.19.4 3.20.0 3.20.3 3.21.0 20230901
        20231219 20240329 20240606 20240807 20240923 20240315 2.7
        """,
        (
            Case("3.19", "3.21"),
            Case("3.19.1", "3.21.0", "the dates are snapshots of edge"),
            Case("3.19.1", "3.19.4", rules=PATCH),
            Case("3", None, "a date of eight digits is no version 20240923"),
            Case("20240329", None, "a bare number so long may be anything: the owner has to say"),
            Case("edge", None),
        ),
    ),
    Listing(
        "debian",
        """
        latest stable stable-slim oldstable oldstable-slim testing sid unstable bookworm bullseye
        trixie bookworm-slim bullseye-slim 11 12 11-slim 12-slim 11.10 11.11 12.6 12.7 12.6-slim
        12.7-slim bookworm-20240812 bookworm-20240904 bookworm-20240926 bookworm-20240812-slim
        bookworm-20240904-slim bookworm-20240926-slim bullseye-20240926 trixie-20240926
        stable-20240926 stable-20240812-slim stable-20240926-slim sid-20240926
        """,
        (
            Case("12.6", "12.7"),
            Case("12.6-slim", "12.7-slim"),
            Case("11.10", "11.11", rules=MINOR),
            Case("11-slim", "12-slim"),
            Case("bookworm-20240812", "bookworm-20240926", "the code name stays, the day moves"),
            Case("bookworm-20240812-slim", "bookworm-20240926-slim"),
            Case("bullseye-20240926", None, "trixie is another release"),
            Case("stable-20240812-slim", "stable-20240926-slim"),
            Case("bookworm-slim", None),
            Case("oldstable", None),
        ),
    ),
    Listing(
        "ubuntu",
        """
        latest rolling devel jammy noble oracular focal 20.04 22.04 24.04 24.10 focal-20240918
        jammy-20240808 jammy-20240911 jammy-20240911.1 jammy-20240904 noble-20240801 noble-20240827
        noble-20240904.1 noble-20240904 noble-20241009 oracular-20241009 oracular-20240918
        """,
        (
            Case(
                "22.04", "24.04", "a range keeps to long-term releases", within("~22.04 || ~24.04")
            ),
            Case("24.10", None),
            Case("jammy-20240808", "jammy-20240911.1", "the second build of that day"),
            Case("jammy-20240911", "jammy-20240911.1"),
            Case("noble-20240904.1", "noble-20241009", "a later day"),
            Case("noble", None),
            Case("focal-20240918", None, "only focal's own days"),
        ),
    ),
    Listing(
        "busybox",
        """
        latest stable unstable glibc musl uclibc stable-glibc stable-musl 1 1.35 1.36 1.37 1-glibc
        1.36.0 1.36.1 1.37.0 1.36.0-glibc 1.36.1-glibc 1.37.0-glibc 1.36.1-musl 1.37.0-musl
        1.36.1-uclibc
        """,
        (
            Case("1.36.1", "1.37.0"),
            Case("1.36.0-glibc", "1.37.0-glibc"),
            Case("1.36.1-uclibc", None),
            Case("stable-musl", None),
        ),
    ),
    Listing(
        "almalinux",
        """
        latest minimal 8 9 8-minimal 9-minimal 8.10 9.3 9.4 8.10-minimal 9.4-minimal 9.3-20231124
        9.4-20240506 9.4-20240723 8.10-20240723 9.4-minimal-20240506 9.4-minimal-20240723
        """,
        (
            Case("9.3", "9.4"),
            Case("9.3-20231124", "9.4-20240723"),
            Case("9.4-20240506", "9.4-20240723", "a later build of that version"),
            Case("9.4-minimal-20240506", "9.4-minimal-20240723"),
            Case("9-minimal", None),
        ),
    ),
    Listing(
        "rockylinux",
        """
        8 9 8-minimal 9-minimal 9-ubi 9.3 8.9 8.9.20231119 9.3.20231119 9.3.20231119-minimal
        9.2.20230513 9.2.20230513-minimal 8.8.20230518 8.9.20231119-minimal 9.3-minimal
        """,
        (
            Case("9.2.20230513", "9.3.20231119"),
            Case("9.2.20230513-minimal", "9.3.20231119-minimal"),
            Case("8.9", "9.3"),
        ),
    ),
    Listing(
        "amazonlinux",
        """
        latest 1 2 2022 2023 2023-minimal 2023.4.20240611.0 2023.5.20240916.0 2023.5.20241001.1
        2023.6.20241010.0 2.0.20240916.0 2.0.20241001.0 2018.03 2018.03.0.20231218.0
        2023.6.20241010.0-minimal 2023.4.20240611.0-minimal 2-with-sources
        """,
        (
            Case("2023.4.20240611.0", "2023.6.20241010.0"),
            Case("2.0.20240916.0", "2.0.20241001.0", "Amazon Linux 2023 is another system"),
            Case("2", None, "2023 is a year, not the version after 2"),
            Case("2022", "2023"),
            Case("2023.4.20240611.0-minimal", "2023.6.20241010.0-minimal"),
        ),
    ),
    Listing(
        "fedora",
        """
        latest rawhide branched 38 39 40 41 42 35 36 37
        """,
        (Case("40", "42", "as listed; rawhide is a word"), Case("rawhide", None)),
    ),
    Listing(
        "gcr.io/distroless/static-debian12",
        """
        latest nonroot debug debug-nonroot latest-amd64 latest-arm64 nonroot-amd64 nonroot-arm64
        debug-amd64 debug-nonroot-arm64 0c1f4ea5b6d2e94d3c1d5f0c7b8a9e6d5f4c3b2a
        sha256-5c7e2b465ac6a2a4e5f1b9d3c8a7e6f5d4c3b2a190817263544536271809aabb.sig
        sha256-5c7e2b465ac6a2a4e5f1b9d3c8a7e6f5d4c3b2a190817263544536271809aabb.att
        """,
        (
            Case("nonroot", None, "its digest moves, see the order digest"),
            Case("debug-nonroot", None),
            Case("nonroot-amd64", None),
        ),
    ),
    Listing(
        "cgr.dev/chainguard/node",
        """
        latest latest-dev 20 20-dev 22 22-dev 22.8.0 22.8.0-dev 22.9.0 22.9.0-dev 20.17.0-dev
        20.17.0 22.9.0-r1 22.9.0-r1-dev 22.8.0-r0 22.9.0-r0 22.9.0-r0-dev next next-dev
        sha256-8d9f0b3a7c6e5d4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f.att
        """,
        (
            Case("22.8.0-dev", "22.9.0-dev", "dev has a shell in it: a variant, no pre-release"),
            Case("22.8.0", "22.9.0", "not 22.9.0-dev"),
            Case("22.8.0-r0", "22.9.0-r1"),
            Case("22.9.0-r0-dev", "22.9.0-r1-dev"),
            Case("20-dev", "22-dev"),
            Case("latest-dev", None),
        ),
    ),
    Listing(
        "mcr.microsoft.com/windows/servercore",
        """
        ltsc2016 ltsc2019 ltsc2022 ltsc2025 20H2 1909 2004 ltsc2019-amd64 ltsc2022-amd64
        10.0.17763.6293 10.0.17763.6414 10.0.20348.2655 10.0.20348.2762 10.0.20348.2762-amd64
        10.0.20348.2655-amd64 ltsc2022-KB5044281
        """,
        (
            Case("ltsc2019", None, "it has to fit the host's Windows"),
            Case(
                "10.0.17763.6293",
                "10.0.17763.6414",
                "another third number is another Windows",
                within("~10.0.17763 <10.0.17764"),
            ),
            Case("10.0.20348.2655-amd64", "10.0.20348.2762-amd64"),
        ),
    ),
    Listing(
        "nvidia/cuda",
        """
        12.4.1-base-ubuntu22.04 12.4.1-devel-ubuntu22.04 12.4.1-cudnn-devel-ubuntu22.04
        12.6.1-cudnn-devel-ubuntu22.04 12.6.1-cudnn-devel-ubuntu24.04 12.6.2-cudnn-devel-ubuntu22.04
        12.6.2-cudnn-devel-ubuntu20.04 12.6.2-cudnn-runtime-ubuntu22.04 12.6.2-cudnn-devel-ubi9
        12.6.2-devel-ubuntu24.04 12.6.2-base-ubuntu24.04 12.6.2-cudnn-devel-ubuntu24.04
        11.8.0-cudnn8-devel-ubuntu22.04 12.6.2-cudnn-devel-rockylinux9
        11.7.1-cudnn8-devel-ubuntu22.04
        """,
        (
            Case("12.4.1-cudnn-devel-ubuntu22.04", "12.6.2-cudnn-devel-ubuntu22.04"),
            Case(
                "12.4.1-cudnn-devel-ubuntu22.04", "12.6.2-cudnn-devel-ubuntu24.04", "", NEWER_SUFFIX
            ),
            Case("11.7.1-cudnn8-devel-ubuntu22.04", "11.8.0-cudnn8-devel-ubuntu22.04"),
            Case("12.4.1-base-ubuntu22.04", None),
        ),
    ),
    Listing(
        "mcr.microsoft.com/devcontainers/base",
        """
        latest debian ubuntu alpine bookworm noble jammy ubuntu-22.04 ubuntu-24.04 alpine-3.20
        1-ubuntu-22.04 1.0-ubuntu-22.04 1.1.5-ubuntu-22.04 1.2.0-ubuntu-22.04 1.2.0-ubuntu-24.04
        1.1.5-bookworm 1.2.0-bookworm dev-ubuntu-22.04
        """,
        (
            Case("1.1.5-ubuntu-22.04", "1.2.0-ubuntu-22.04"),
            Case("1.1.5-bookworm", "1.2.0-bookworm"),
            Case("noble", None),
        ),
    ),
    Listing(
        "mcr.microsoft.com/playwright",
        """
        latest v1.46.1-jammy v1.47.0-jammy v1.47.2-jammy v1.48.0-jammy v1.48.0-noble v1.48.0
        v1.48.0-jammy-amd64 v1.48.0-jammy-arm64 v1.49.0-alpha-oct-10-2024-noble next-jammy
        v1.48.0-noble-arm64 v1.47.0-noble v1.47.0
        """,
        (
            Case("v1.46.1-jammy", "v1.48.0-jammy"),
            Case("v1.47.0-noble", "v1.48.0-noble", "v1.49.0-alpha is a pre-release"),
            Case("v1.47.0", "v1.48.0"),
        ),
    ),
    Listing(
        "opensuse/leap",
        """
        latest 15 15.3 15.4 15.5 15.6 42.3 15.6.1 15.5.40.37.11 15.6.40.12.5 15.6.40.13.2
        """,
        (
            Case("15.5", "15.6", "42.3 came before 15: only a range knows", within(">=15 <16")),
            Case("15.6.40.12.5", "15.6.40.13.2", "five numbers"),
        ),
    ),
    Listing(
        "ghcr.io/runatlantis/atlantis",
        """
        latest dev dev-alpine dev-debian v0.28 v0.29.0 v0.29.0-alpine v0.29.0-debian v0.30.0
        v0.30.0-alpine v0.30.0-debian v0.30.0-pre.20240930 latest-alpine prerelease-latest
        dev-alpine-3a4b5c6 dev-debian-9f8e7d6 v0.29.0-pre.20240801
        """,
        (
            Case("v0.29.0", "v0.30.0"),
            Case("v0.29.0-debian", "v0.30.0-debian"),
            Case("dev-alpine-3a4b5c6", None, "commits have no order"),
        ),
    ),
    Listing(
        "registry.suse.com/bci/bci-base",
        """
        latest 15.5 15.6 15.5.36.14.43 15.6.47.5.3 15.6.47.11.1 15.6-47.5.3
        sha256-b6f0b5a5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7.sig 15.7 15.7-1.2
        15.5-36.14.43
        """,
        (
            Case("15.5", "15.7"),
            Case("15.6.47.5.3", "15.6.47.11.1"),
            Case("15.5-36.14.43", None, "dotted numbers behind the version are kept as they are"),
        ),
    ),
    Listing(
        "photoprism/photoprism",
        """
        latest preview 231128 240420 240531 240711 240915 240915-armv7 240711-armv7 preview-arm64
        20240103 220901 221118
        """,
        (
            Case("240711", "240915", "six digits count up; 20240103 is another way of writing"),
            Case("240711-armv7", "240915-armv7"),
        ),
    ),
    Listing(
        "docker.io/library/docker",
        """
        latest dind cli git rc dind-rootless 26 27 27-dind 27-cli 26.1.4 27.3.0 27.3.1 27.3.1-dind
        26.1.4-dind 27.3.1-cli 26.1.4-cli 27.3.1-dind-alpine3.20 26.1.4-dind-alpine3.20
        27.3.1-dind-rootless 26.1.4-dind-rootless 27.4.0-rc.1-dind 27-rc-dind
        """,
        (
            Case("26.1.4-dind", "27.3.1-dind"),
            Case("26.1.4-dind-rootless", "27.3.1-dind-rootless"),
            Case("26.1.4-cli", "27.3.1-cli"),
            Case("26.1.4-dind", "27.3.1-dind", "by hand", extracting(r"^(.*)-dind$", "$1")),
        ),
    ),
)
