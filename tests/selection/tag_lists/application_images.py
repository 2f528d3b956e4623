"""Applications people run themselves: LinuxServer, HashiCorp, Java servers, home media."""

from tests.selection.tag_lists.listing import (
    COERCE,
    MINOR,
    NEWER_SUFFIX,
    PATCH,
    Case,
    Listing,
    extracting,
    within,
)

APPLICATIONS = (
    Listing(
        "quay.io/keycloak/keycloak",
        """
        latest nightly 23.0.7 24.0.5 25.0 25.0.2 25.0.6 25.0.6-0 25.0.2-1 26.0 26.0.0 26.0.1
        26.0.0-0 26.0.1-0 26.0.1-1 26.0.0.rc1 legacy 19.0.3-legacy 18.0.2-legacy
        """,
        (
            Case("24.0.5", "26.0.1"),
            Case("25.0.2-1", "26.0.1-1", "the number counts rebuilds"),
            Case("26.0.0-0", "26.0.1-1"),
            Case("25.0", "26.0"),
            Case("18.0.2-legacy", "19.0.3-legacy"),
        ),
    ),
    Listing(
        "sonarqube",
        """
        latest community developer enterprise lts lts-community 9-community 9.9-community
        9.9.6-community 9.9.7-community 10-community 10.5.1-community 10.6.0-community
        10.7.0-community 10.7.0-developer 10.6.0-developer 24.12.0.100206-community
        25.1.0.102122-community 10.7.0-datacenter-app 10.6-community
        """,
        (
            Case("9.9.6-community", "9.9.7-community", rules=MINOR),
            Case("10.5.1-community", "10.7.0-community", "24.12.0.100206 has four numbers"),
            Case("10.6.0-developer", "10.7.0-developer"),
            Case("24.12.0.100206-community", "25.1.0.102122-community"),
        ),
    ),
    Listing(
        "jenkins/jenkins",
        """
        latest lts lts-jdk17 lts-jdk21 jdk17 jdk21 lts-alpine 2.462.1-lts-jdk17 2.462.2-lts-jdk17
        2.462.3-lts-jdk17 2.462.3-lts-jdk21 2.462.3-lts 2.462.3 2.462.2 2.479-jdk17 2.480-jdk17
        2.480-jdk21 2.480 2.479 2.462.3-lts-alpine 2.462.3-jdk17 2.452.4-lts-jdk17 2.479.1-lts-jdk17
        2.452.4-lts 2.452.4-lts-alpine
        """,
        (
            Case("2.462.1-lts-jdk17", "2.479.1-lts-jdk17", "long-term only, Java 17 only"),
            Case("2.462.1-lts-jdk17", "2.462.3-lts-jdk17", rules=PATCH),
            Case(
                "2.462.1-lts-jdk17",
                "2.462.3-lts-jdk21",
                "",
                extracting(r"^(2\.462\.\d+)-lts-jdk(\d+)$", "$1", "$2"),
            ),
            Case("2.479-jdk17", "2.480-jdk17", "the weekly releases have two numbers"),
            Case("2.452.4-lts", "2.462.3-lts"),
            Case("lts-jdk17", None),
        ),
    ),
    Listing(
        "sonatype/nexus3",
        """
        latest 3 3.70.1 3.71.0 3.72.0 3.73.0 3.70.1-java11 3.70.1-java8 3.72.0-alpine 3.73.0-alpine
        3.73.0-java17-ubi 3.72.0-java17-ubi 3.70.2-java11 3.71.0-java17-alpine 3.70.2-java8
        """,
        (
            Case("3.70.1", "3.73.0"),
            Case("3.70.1-java11", "3.70.2-java11"),
            Case("3.72.0-java17-ubi", "3.73.0-java17-ubi"),
        ),
    ),
    Listing(
        "gitlab/gitlab-ce",
        """
        latest nightly rc 16.11.10-ce.0 17.2.9-ce.0 17.3.5-ce.0 17.4.0-ce.0 17.4.1-ce.0 17.4.2-ce.0
        17.4.2-ce.1 17.5.0-rc42.ce.0 17.5.0-rc43.ce.0 18.0.0-rc1.ce.0
        """,
        (
            Case("17.2.9-ce.0", "17.4.2-ce.1", "ce counts the packages of one version"),
            Case("17.4.2-ce.0", "17.4.2-ce.1"),
            Case("17.4.0-ce.0", "17.4.2-ce.1", rules=PATCH),
            Case("16.11.10-ce.0", None, "no later minor of 16", MINOR),
        ),
    ),
    Listing(
        "gitlab/gitlab-runner",
        """
        latest alpine ubuntu bleeding alpine-latest v17.3.1 v17.4.0 v17.5.0 alpine-v17.3.1
        alpine-v17.4.0 alpine-v17.5.0 ubuntu-v17.5.0 ubuntu-v17.3.1 alpine3.19-v17.3.1
        alpine3.19-v17.5.0 alpine3.18-v17.3.1 ubi-fips-v17.5.0 alpine-bleeding v17.4.0-helper
        alpine3.18-v17.4.0 alpine3.21-v17.5.0
        """,
        (
            Case("alpine-v17.3.1", "alpine-v17.5.0"),
            Case("alpine3.19-v17.3.1", "alpine3.19-v17.5.0", "the prefix stays as it is"),
            Case("alpine3.18-v17.3.1", "alpine3.18-v17.4.0"),
            Case("v17.3.1", "v17.5.0"),
            Case("alpine-bleeding", None),
        ),
    ),
    Listing(
        "gitea/gitea",
        """
        latest latest-rootless nightly nightly-rootless 1 1-rootless 1.21 1.22 1.22-rootless
        1.23-dev 1.21.11 1.22.1 1.22.3 1.21.11-rootless 1.22.3-rootless 1.23-nightly
        1.23-nightly-rootless 1.22.1-rootless linux-amd64 1.22.0-rc1 1.23.0-rc0-rootless
        1.22-nightly 1.22-dev
        """,
        (
            Case("1.21.11", "1.22.3"),
            Case("1.21.11-rootless", "1.22.3-rootless"),
            Case("1.21", "1.22", "1.23-nightly is a snapshot"),
            Case("nightly-rootless", None),
        ),
    ),
    Listing(
        "codeberg.org/forgejo/forgejo",
        """
        7 7.0 8 8.0 9 9.0 7.0.9 8.0.3 9.0.0 7.0.9-rootless 8.0.3-rootless 9.0.0-rootless 9-rootless
        8-rootless 9.0-test 10.0-test 1.21.11-1 1.21.11-2 1.20.6-1 1.21.11-1-rootless
        """,
        (
            Case("8.0.3-rootless", "9.0.0-rootless"),
            Case("8-rootless", "9-rootless"),
            Case("1.20.6-1", "1.21.11-2"),
            Case("8.0", "9.0"),
        ),
    ),
    Listing(
        "hashicorp/vault",
        """
        latest 1.15 1.16 1.17 1.18 1.15.6 1.16.3 1.17.2 1.17.6 1.18.0 1.18.0-rc1 1.17.6-ubi
        1.18.0-ubi 1.17.6-dev sha-3f2a9c1
        """,
        (
            Case("1.15.6", "1.18.0"),
            Case("1.17.2", "1.17.6", rules=PATCH),
            Case("1.17.6-ubi", "1.18.0-ubi"),
            Case("1.18.0-rc1", "1.18.0"),
        ),
    ),
    Listing(
        "hashicorp/vault-enterprise",
        """
        latest 1.16-ent 1.17-ent 1.16.10-ent 1.17.6-ent 1.18.0-ent 1.17.6-ent.hsm 1.18.0-ent.hsm
        1.18.0-ent.hsm.fips1402 1.17.6-ent.fips1402 1.18.0-ent-ubi 1.18.0-rc1-ent
        """,
        (
            Case("1.16.10-ent", "1.18.0-ent"),
            Case("1.17.6-ent.hsm", "1.18.0-ent.hsm"),
            Case("1.17.6-ent.fips1402", None, "hsm is another build"),
        ),
    ),
    Listing(
        "hashicorp/consul",
        """
        latest 1.17 1.18 1.19 1.20 1.18.2 1.19.2 1.20.0 1.20.0-rc1 1.20.1-dev 1.19-dev
        1.20-dev-ca00edbc3ceaa2b3 1.20-dev-1a2b3c4d5e6f7a8b 1.20.0-ubi 1.21-dev
        """,
        (
            Case("1.18.2", "1.20.0"),
            Case("1.19-dev", "1.21-dev", "dev stays dev"),
            Case("1.20-dev-1a2b3c4d5e6f7a8b", None, "commits of one version have no order"),
        ),
    ),
    Listing(
        "hashicorp/nomad",
        """
        latest 1.7 1.8 1.9 1.7.7 1.8.0 1.8.4 1.9.0 1.9.0-beta.1 1.9.0-rc.1 1.9-dev
        """,
        (Case("1.7.7", "1.9.0"), Case("1.7", "1.9")),
    ),
    Listing(
        "hashicorp/terraform",
        """
        latest light full 1.8 1.9 1.10.0-alpha20240926 1.10.0-beta1 1.8.5 1.9.0 1.9.6 1.9.7 1.9.8
        1.9.0-rc3 0.15.5 1.11.0-alpha20241106 1.0.0
        """,
        (
            Case("1.8.5", "1.9.8", "1.10.0-alpha20240926 is an alpha"),
            Case("0.15.5", "1.9.8"),
            Case("0.15.5", None, "no minor of 0 above", MINOR),
        ),
    ),
    Listing(
        "lscr.io/linuxserver/sonarr",
        """
        latest develop version-4.0.9.2244 version-4.0.8.1874 4.0.9 4.0.8 4.0.8.1874-ls247
        4.0.9.2244-ls249 4.0.9.2244-ls250 4.0.9.2244-ls251 amd64-4.0.9.2244-ls250
        amd64-4.0.8.1874-ls247 arm64v8-4.0.9.2244-ls250 4.0.10.2544-ls252 4.0.10.2544-develop
        4.0.9.2421-develop develop-version-4.0.10.2544 develop-4.0.10.2544-ls430 arm64v8-latest
        amd64-version-4.0.9.2244 develop-4.0.9.2421-ls429
        """,
        (
            Case("4.0.9.2244-ls249", "4.0.10.2544-ls252"),
            Case("version-4.0.8.1874", "version-4.0.9.2244"),
            Case("amd64-4.0.8.1874-ls247", "amd64-4.0.9.2244-ls250"),
            Case("4.0.9.2421-develop", "4.0.10.2544-develop", "develop is a channel"),
            Case("4.0.8", "4.0.9"),
            Case("develop-4.0.9.2421-ls429", "develop-4.0.10.2544-ls430"),
            Case("arm64v8-latest", None),
        ),
    ),
    Listing(
        "lscr.io/linuxserver/radarr",
        """
        latest nightly develop 5.11.0 5.12.2 5.11.0.9244-ls249 5.12.2.9335-ls253 5.12.2.9335-ls255
        5.13.0.9361-develop 5.14.0.9383-nightly 5.13.0.9350-nightly version-5.12.2.9335
        nightly-5.14.0.9383-ls700
        """,
        (
            Case("5.11.0.9244-ls249", "5.12.2.9335-ls255"),
            Case("5.13.0.9350-nightly", "5.14.0.9383-nightly"),
            Case("5.12.2.9335-ls253", "5.12.2.9335-ls255"),
        ),
    ),
    Listing(
        "lscr.io/linuxserver/jellyfin",
        """
        latest nightly 10.9.10ubu2204-ls25 10.9.11ubu2204-ls30 10.9.11ubu2204-ls32
        10.10.0ubu2404-ls33 version-10.9.11ubu2204 amd64-10.9.11ubu2204-ls32 10.9.11 10.10.0 10.9.10
        """,
        (
            Case("10.9.10ubu2204-ls25", "10.9.11ubu2204-ls32"),
            Case("10.9.10ubu2204-ls25", "10.10.0ubu2404-ls33", rules=NEWER_SUFFIX),
            Case("10.9.10", "10.10.0"),
        ),
    ),
    Listing(
        "lscr.io/linuxserver/qbittorrent",
        """
        latest libtorrentv1 4.6.6_v2.0.10-ls356 4.6.7_v2.0.10-ls362 4.6.7_v2.0.11-ls363
        5.0.0_v2.0.11-ls364 4.6.7-r0-ls361 4.6.6-r0-ls350 version-4.6.7-r0 version-5.0.0_v2.0.11
        libtorrentv1-4.6.7_v1.2.19-ls80 14.3.9 20.04.1
        """,
        (
            Case("4.6.6_v2.0.10-ls356", "4.6.7_v2.0.10-ls362", "libtorrent stays"),
            Case("4.6.6_v2.0.10-ls356", "5.0.0_v2.0.11-ls364", rules=NEWER_SUFFIX),
            Case("4.6.6-r0-ls350", "4.6.7-r0-ls361"),
        ),
    ),
    Listing(
        "ghcr.io/home-assistant/home-assistant",
        """
        latest stable beta dev 2024.9 2024.10 2024.9.3 2024.10.0 2024.10.1 2024.10.2 2024.10.0b9
        2024.11.0b1 2024.11.0.dev202410120231 2024.11.0.dev202410130235 2023.12.4 0.118.5
        """,
        (
            Case("2024.9.3", "2024.10.2", "10 is after 9; b and dev are none"),
            Case("2024.9", "2024.10"),
            Case("0.118.5", None, "the change to counting years is for the owner"),
            Case("2024.10.0b9", "2024.10.2", "a release, not the next beta"),
            Case("2024.11.0.dev202410120231", "2024.11.0.dev202410130235"),
            Case("2023.12.4", None, "2024 is a major step", MINOR),
        ),
    ),
    Listing(
        "plexinc/pms-docker",
        """
        latest beta plexpass public 1.40.5.8921-836b34c27 1.41.0.8992-8463ad060
        1.41.0.8994-f2c27da23 1.41.1.9057-af5eaea7a 1.40.4.8679-424562606 1.32.8.7639-fb6452ebf
        """,
        (
            Case("1.40.5.8921-836b34c27", "1.41.1.9057-af5eaea7a", "the commit is no variant"),
            Case(
                "1.41.0.8992-8463ad060",
                "1.41.0.8994-f2c27da23",
                "a step in the fourth number",
                within("<1.41.1"),
            ),
            Case("1.40.4.8679-424562606", "1.41.1.9057-af5eaea7a", "a commit of digits alone"),
        ),
    ),
    Listing(
        "apache/airflow",
        """
        latest latest-python3.12 2.9.3 2.10.0 2.10.2 2.10.2-python3.11 2.10.2-python3.12
        2.9.3-python3.11 2.9.3-python3.12 slim-2.10.2 slim-2.10.2-python3.12 slim-2.9.3-python3.12
        slim-latest 2.10.3rc1 2.10.3rc1-python3.12 constraints-2.10.2 2.8.4-python3.11
        """,
        (
            Case("2.9.3-python3.12", "2.10.2-python3.12"),
            Case("2.8.4-python3.11", "2.10.2-python3.11"),
            Case("2.9.3-python3.11", "2.10.2-python3.12", rules=NEWER_SUFFIX),
            Case("slim-2.9.3-python3.12", "slim-2.10.2-python3.12"),
            Case("2.9.3", "2.10.2"),
        ),
    ),
    Listing(
        "apache/superset",
        """
        latest latest-dev master 3.1.3 4.0.1 4.0.2 4.1.0rc2 4.0.1-dev 4.0.2-dev 4.0.2-py311
        4.0.1-py310 4.1.0rc2-dev 4.0.2-websocket GHA-11332211000 3f2a9c1b8d7e
        """,
        (
            Case("3.1.3", "4.0.2"),
            Case("4.0.1-dev", "4.0.2-dev", "dev holds the tools to develop with"),
            Case("4.0.1-py310", None),
            Case("4.0.1-py310", "4.0.2-py311", rules=NEWER_SUFFIX),
            Case("GHA-11332211000", None),
        ),
    ),
    Listing(
        "ghcr.io/renovatebot/renovate",
        """
        latest full slim 37 38 38-full 38.100 38.119.0 38.120.0 38.120.1 38.120.1-full 38.99.0-full
        37.440.7 37.440.7-full 39.0.0-next.5 38-slim 37-full
        """,
        (
            Case("37.440.7", "38.120.1"),
            Case("38.99.0-full", "38.120.1-full"),
            Case("37-full", "38-full"),
        ),
    ),
    Listing(
        "vaultwarden/server",
        """
        latest latest-alpine testing testing-alpine alpine 1.30.5 1.31.0 1.32.0 1.32.1 1.32.2
        1.30.5-alpine 1.32.2-alpine 1.32.1-alpine
        """,
        (
            Case("1.30.5-alpine", "1.32.2-alpine"),
            Case("1.31.0", "1.32.2"),
            Case("testing-alpine", None),
        ),
    ),
    Listing(
        "pihole/pihole",
        """
        latest dev nightly 2024.03.0 2024.03.2 2024.05.0 2024.06.0 2024.07.0 2023.11.0 v5.8.1
        development-v6 v5.7 2022.12
        """,
        (
            Case("2023.11.0", "2024.07.0"),
            Case("2024.03.0", "2024.07.0", "leading zeros count nothing"),
            Case("v5.8.1", None),
        ),
    ),
    Listing(
        "searxng/searxng",
        """
        latest 2024.10.10-c02e5f35c 2024.10.12-e0c99eb8e 2024.10.14-d4a1ae9b6 2024.9.30-7e9c5a8a1
        2024.10.14-2fbf1ae24 2024.8.1-0e0c2a1f3 2024.6.4-0d2a5ff2c 2023.12.29-27e26b3d6
        2024.10.3-2fbedc431 2024.9.2-8d85b9b2f
        """,
        (
            Case("2024.9.30-7e9c5a8a1", "2024.10.14-d4a1ae9b6", "of one day the greater text"),
            Case("2024.10.14-2fbf1ae24", None, "which of one day is newer is not known"),
        ),
    ),
    Listing(
        "ghcr.io/immich-app/immich-server",
        """
        release main v1.116.2 v1.117.0 v1.118.0 v1.118.1 v1.118.2 pr-13120 pr-13204 v1.118.2-cuda
        commit-1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b main-openvino v1.117.0-cuda
        """,
        (
            Case("v1.116.2", "v1.118.2"),
            Case("v1.117.0-cuda", "v1.118.2-cuda"),
            Case("pr-13120", None, "another pull request is another change"),
            Case("release", None),
        ),
    ),
    Listing(
        "ghcr.io/ggerganov/llama.cpp",
        """
        full light server full-cuda server-cuda server-b3912 server-b3920 server-cuda-b3912 b3880
        b3912 b3920 server--b1-c5d7b1a full-b3912 light-b3912 b999
        """,
        (
            Case("b3912", "b3920", "b counts the builds"),
            Case("b999", "b3920"),
            Case("server-cuda", None),
        ),
    ),
    Listing(
        "itzg/minecraft-server",
        """
        latest stable java8 java17 java21 java21-alpine java21-graalvm 2024.8.0 2024.9.3 2024.10.1
        2024.10.1-java17 2024.9.3-java17 2024.10.1-java21-alpine 2024.8.0-java21-alpine
        2024.10.1-java8-multiarch
        """,
        (
            Case("2024.9.3-java17", "2024.10.1-java17"),
            Case("2024.8.0-java21-alpine", "2024.10.1-java21-alpine"),
            Case("java17", None),
        ),
    ),
    Listing(
        "library/odoo",
        """
        latest 16 17 18 16.0 17.0 18.0 17.0-20240912 17.0-20241001 18.0-20241001 16.0-20241001
        17-20241001 17.0-20240805 18.0-20241010
        """,
        (
            Case("17.0-20240805", "17.0-20241001", rules=PATCH),
            Case("17.0-20240805", "18.0-20241010"),
            Case("17.0", "18.0"),
        ),
    ),
    Listing(
        "solr",
        """
        latest slim 8 9 8.11 9.6 9.7 8.11.4 9.6.1 9.7.0 9.6.1-slim 9.7.0-slim 8-slim 9-slim
        """,
        (
            Case("9.6.1-slim", "9.7.0-slim"),
            Case("8", "9"),
            Case("8.11", "9.7.0", rules=COERCE),
            Case("8.11.4", None, "", within("~8.11")),
        ),
    ),
)
