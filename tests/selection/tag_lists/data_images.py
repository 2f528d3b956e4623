"""Databases, queues and search engines."""

from imagebot.patterns import Pattern
from imagebot.policy.model import Suffix, TagRules
from imagebot.version import Range, Step
from tests.selection.tag_lists.listing import (
    MINOR,
    NEWER_SUFFIX,
    PATCH,
    Case,
    Listing,
    extracting,
    within,
)

DATA = (
    Listing(
        "postgres",
        """
        latest alpine alpine3.20 bookworm bullseye 12 13 14 15 16 17 16-alpine 17-alpine 15-alpine
        16-bookworm 17-bookworm 15.6 15.8 16.2 16.4 17.0 17beta3 17rc1 17rc1-alpine 15.8-alpine
        16.4-alpine 17.0-alpine 16.2-alpine3.19 16.4-alpine3.20 17.0-alpine3.20 17.0-bookworm
        15.6-bullseye 15.8-bullseye 9.6.24 9.6.24-alpine 10.23
        """,
        (
            Case("15", "17", "17rc1 is no release"),
            Case("15.6", "17.0"),
            Case("15.6", "15.8", rules=MINOR),
            Case("15-alpine", "17-alpine"),
            Case("16.2-alpine3.19", None),
            Case("16.2-alpine3.19", "17.0-alpine3.20", rules=NEWER_SUFFIX),
            Case("15.6-bullseye", "15.8-bullseye"),
            Case("9.6.24", None, "10 and later have two numbers: another precision"),
            Case("17beta3", "17", "the release of that very version"),
            Case("16-bookworm", "17-bookworm"),
        ),
    ),
    Listing(
        "postgis/postgis",
        """
        latest master 15-3.4 15-3.4-alpine 16-3.4 16-3.4-alpine 16-3.5 16-3.5-alpine 17-3.4 17-3.5
        17-3.5-alpine 16-master 17-master 14-3.4 17beta1-master
        """,
        (
            Case("15-3.4", "17-3.4", "PostgreSQL is the version, PostGIS the variant"),
            Case("15-3.4", "17-3.5", rules=NEWER_SUFFIX),
            Case("16-3.4-alpine", None, "17-3.4-alpine is not listed"),
        ),
    ),
    Listing(
        "redis",
        """
        latest alpine alpine3.20 bookworm 6 7 7.2 7.4 7-alpine 7.2-alpine 7.4-alpine3.20 6.2.14
        7.0.15 7.2.0 7.2.5 7.4.0 7.4.1 8.0-M01 8.0-M01-alpine 8.0-M02 7.2.0-alpine 7.4.1-alpine
        7.2.0-alpine3.17 7.2.0-alpine3.18 7.2.0-alpine3.20 7.4.1-alpine3.20 7.2.0-bookworm
        7.4.1-bookworm 32bit 6.2.14-32bit
        """,
        (
            Case("7.2.0", "7.4.1"),
            Case("7.2", "7.4", "8.0-M02 is a milestone"),
            Case("7.2.0-alpine", "7.4.1-alpine"),
            Case("7.2.0-alpine3.17", None, "the same version on a newer Alpine is not asked for"),
            Case("7.2.0-alpine3.17", "7.4.1-alpine3.20", rules=NEWER_SUFFIX),
            Case(
                "7.2.0-alpine3.17",
                "7.2.0-alpine3.20",
                "of one version the newest Alpine, where Flux takes the oldest",
                TagRules(suffix=Suffix.NEWER, allow=Step.PATCH),
            ),
            Case(
                "7.2.0-alpine3.17",
                "7.2.0-alpine3.20",
                "the second template decides between equal versions",
                TagRules(
                    filter=Pattern.compile(r"^(?P<version>\d+\.\d+\.\d+)-alpine(?P<alpine>.+)$"),
                    extract=("$version", "$alpine"),
                    range=Range.parse("~7.2"),
                ),
            ),
            Case("6.2.14-32bit", None),
            Case("7.2.0-bookworm", "7.4.1-bookworm"),
        ),
    ),
    Listing(
        "mysql",
        """
        latest lts innovation oracle 5.7 8 8.0 8.4 9 9.0 8.0.39 8.0.40 8.4.2 8.4.3 9.0.1 9.1.0
        8.0.39-debian 8.4.2-oraclelinux9 8.4.3-oraclelinux9 9.1.0-oraclelinux9 8.0.39-bookworm
        8.0.40-bookworm 8.0.39-oracle 8.4.3-oracle 9.1.0-oracle
        """,
        (
            Case("8.0.39", "9.1.0"),
            Case("8.0.39", "8.4.3", "the long-term branch", within(">=8.0 <9")),
            Case("8.0.39", "8.0.40", rules=PATCH),
            Case("8.4.2-oraclelinux9", "9.1.0-oraclelinux9"),
            Case("8.0.39-debian", None),
            Case("8.0", "9.0"),
        ),
    ),
    Listing(
        "percona/percona-server",
        """
        latest 5.7 8.0 8.4 8.0.35 8.0.36 8.0.36-28 8.0.36-28.1 8.0.37 8.0.37-29 8.0.37-29.1
        8.0.36-28-aarch64 8.0.37-29-aarch64 8.0.36-28.1-arm64 8.0.37-29.1-arm64 8.4.0-1
        """,
        (
            Case("8.0.36-28", "8.4.0-1", "the number behind the hyphen counts Percona's builds"),
            Case("8.0.36-28", "8.0.37-29", rules=PATCH),
            Case("8.0.36-28-aarch64", "8.0.37-29-aarch64"),
            Case("8.0.36-28.1", None, "a dotted number may be a component's version"),
            Case("8.0.36-28.1", "8.0.37-29.1", rules=NEWER_SUFFIX),
            Case("8.0.36", "8.0.37"),
        ),
    ),
    Listing(
        "mariadb",
        """
        latest lts noble ubi 10.6 10.11 11.4 11.5 11.6-rc 11.6-ubi-rc 10.11.8 10.11.9 11.4.3 11.5.2
        11.6.1-rc 11.6.1-ubi-rc 10.11.8-jammy 10.11.9-jammy 11.5.2-noble 11.4.3-ubi9 11.5.2-ubi9
        10.11-jammy 11.4-noble
        """,
        (
            Case("10.11.8", "11.5.2"),
            Case("10.11.8-jammy", "10.11.9-jammy"),
            Case("11.4.3-ubi9", "11.5.2-ubi9"),
            Case("10.11", "11.5", "11.6-rc is no release"),
            Case("11.4-noble", None),
        ),
    ),
    Listing(
        "mongo",
        """
        latest noble jammy windowsservercore nanoserver 4.4 5.0 6.0 7.0 8.0 8 7.0-jammy 7.0.12
        7.0.14 8.0.0 8.0.1 8.0.0-rc20 7.0.15-rc1 7.0.12-jammy 7.0.14-jammy 8.0.1-noble
        8.0.1-windowsservercore-ltsc2022 7.0.12-windowsservercore-ltsc2022
        7.0.14-windowsservercore-1809 7.0.14-nanoserver-ltsc2022 7.0.12-nanoserver-ltsc2022
        """,
        (
            Case("7.0.12", "8.0.1"),
            Case("7.0.12", "7.0.14", "not 7.0.15-rc1", PATCH),
            Case("7.0.12-jammy", "7.0.14-jammy"),
            Case("7.0.12-windowsservercore-ltsc2022", "8.0.1-windowsservercore-ltsc2022"),
            Case("7.0.12-nanoserver-ltsc2022", "7.0.14-nanoserver-ltsc2022"),
            Case("8.0.0-rc20", "8.0.1", "any later release will do"),
        ),
    ),
    Listing(
        "rabbitmq",
        """
        latest alpine management management-alpine 3 3.13 4.0 3-management 4.0-management 3.12.14
        3.13.6 3.13.7 4.0.2 4.0.0-beta.6 4.0-rc 3.12.14-alpine 4.0.2-alpine 3.12.14-management
        3.13.7-management 4.0.2-management 3.12.14-management-alpine 4.0.2-management-alpine
        4.1.0-rc.1-management-alpine
        """,
        (
            Case("3.12.14", "4.0.2"),
            Case("3.12.14-management", "4.0.2-management"),
            Case("3.12.14-management", "3.13.7-management", rules=MINOR),
            Case("3.12.14-management-alpine", "4.0.2-management-alpine"),
            Case("3-management", None),
            Case("3.13", "4.0"),
        ),
    ),
    Listing(
        "memcached",
        """
        latest alpine alpine3.20 bookworm 1 1.6 1-alpine 1.6-alpine 1.6.29 1.6.31 1.6.32
        1.6.29-alpine 1.6.32-alpine 1.6.29-alpine3.19 1.6.31-alpine3.20 1.6.32-alpine3.20
        1.6.32-bookworm
        """,
        (
            Case("1.6.29", "1.6.32"),
            Case("1.6.31-alpine3.20", "1.6.32-alpine3.20"),
            Case("1.6.29-alpine3.19", "1.6.32-alpine3.20", rules=NEWER_SUFFIX),
        ),
    ),
    Listing(
        "elasticsearch",
        """
        7.17.23 7.17.24 8.13.4 8.14.3 8.15.0 8.15.2 8.15.3 8.16.0-SNAPSHOT 8.15.3-SNAPSHOT
        8.15.2-amd64 8.15.2-arm64 8.15.3-amd64 8.15.3-arm64 9.0.0-alpha1 9.0.0-beta1
        """,
        (
            Case("8.13.4", "8.15.3"),
            Case("7.17.23", "7.17.24", rules=MINOR),
            Case("8.15.2-arm64", "8.15.3-arm64", "another architecture is another image"),
            Case("9.0.0-alpha1", "9.0.0-beta1"),
        ),
    ),
    Listing(
        "docker.elastic.co/kibana/kibana",
        """
        7.17.24 8.14.3 8.15.1 8.15.2 8.15.3 8.15.3-SNAPSHOT 8.16.0-SNAPSHOT 8.16.0-a1b2c3d4-SNAPSHOT
        8.15.3-amd64 8.15.3-arm64 8.15.2-arm64 9.0.0-SNAPSHOT
        """,
        (Case("8.14.3", "8.15.3"), Case("7.17.24", None, "no later minor of 7", MINOR)),
    ),
    Listing(
        "opensearchproject/opensearch",
        """
        latest 1 1.3.19 2 2.15.0 2.16.0 2.17.0 2.17.1 2.18.0-SNAPSHOT 3.0.0-alpha1 1.0.0-rc1
        2.17.1.10470 2.17.0.10288
        """,
        (
            Case("2.15.0", "2.17.1", "2.17.1.10470 has a fourth number: another precision"),
            Case("2.17.0.10288", "2.17.1.10470"),
            Case("1.3.19", "2.17.1"),
        ),
    ),
    Listing(
        "apache/kafka",
        """
        latest 3.7.0 3.7.1 3.7.1-rc2 3.8.0 3.8.0-rc0 3.8.0-rc3 3.8.1-rc0 3.9.0-rc2 3.9.0-rc10
        """,
        (
            Case("3.7.0", "3.8.0"),
            Case("3.9.0-rc2", "3.9.0-rc10", "the tenth candidate is after the second"),
            Case("3.9.0-rc10", None, "SemVer compares rc2 and rc10 as text and would go back"),
        ),
    ),
    Listing(
        "confluentinc/cp-kafka",
        """
        latest 7.6.1 7.6.2 7.7.0 7.7.1 7.6.1-1-ubi8 7.6.2-1-ubi8 7.7.1-1-ubi8 7.7.1-2-ubi8
        7.7.1.amd64 7.7.1.arm64 7.6.1.amd64 7.7.1-1-ubi8.amd64 7.7.1-2-ubi8.arm64 latest-ubi8
        """,
        (
            Case("7.6.1", "7.7.1"),
            Case("7.6.1-1-ubi8", "7.7.1-2-ubi8", "the second build of 7.7.1"),
            Case("7.7.1-1-ubi8", "7.7.1-2-ubi8"),
            Case("7.6.1.amd64", "7.7.1.amd64"),
        ),
    ),
    Listing(
        "quay.io/strimzi/kafka",
        """
        latest latest-kafka-3.8.0 0.42.0-kafka-3.7.0 0.42.0-kafka-3.7.1 0.43.0-kafka-3.7.0
        0.43.0-kafka-3.7.1 0.43.0-kafka-3.8.0 0.44.0-rc1-kafka-3.8.0 0.43.0-kafka-3.8.0-amd64
        0.41.0-kafka-3.6.2 0.42.0-kafka-3.6.2
        """,
        (
            Case("0.42.0-kafka-3.7.0", "0.43.0-kafka-3.7.0", "the operator moves, Kafka stays"),
            Case("0.42.0-kafka-3.7.0", "0.43.0-kafka-3.8.0", rules=NEWER_SUFFIX),
            Case("0.41.0-kafka-3.6.2", "0.42.0-kafka-3.6.2"),
        ),
    ),
    Listing(
        "zookeeper",
        """
        latest 3.7 3.8 3.9 3.7-temurin 3.9-jre-17 3.8.4 3.9.1 3.9.2 3.9.3 3.8.4-jre-17 3.9.2-jre-17
        3.9.3-jre-17 3.7.2-temurin
        """,
        (
            Case("3.8.4", "3.9.3"),
            Case("3.8.4-jre-17", "3.9.3-jre-17"),
            Case("3.7-temurin", None),
        ),
    ),
    Listing(
        "quay.io/minio/minio",
        """
        latest edge RELEASE.2024-08-17T01-24-54Z RELEASE.2024-09-22T00-33-43Z
        RELEASE.2024-10-02T17-50-41Z RELEASE.2024-10-02T17-50-41Z-cpuv1
        RELEASE.2024-10-02T17-50-41Z.fips RELEASE.2024-08-17T01-24-54Z.hotfix.5ab4db74e
        RELEASE.2024-08-17T01-24-54Z-cpuv1 RELEASE.2024-09-13T20-26-02Z
        DEVELOPMENT.2024-10-13T13-34-11Z RELEASE.2024-10-13T13-34-11Z
        """,
        (
            Case("RELEASE.2024-08-17T01-24-54Z", "RELEASE.2024-10-13T13-34-11Z"),
            Case("RELEASE.2024-08-17T01-24-54Z-cpuv1", "RELEASE.2024-10-02T17-50-41Z-cpuv1"),
            Case("RELEASE.2024-10-13T13-34-11Z", None),
        ),
    ),
    Listing(
        "quay.io/minio/mc",
        """
        latest edge RELEASE.2024-09-16T17-43-14Z RELEASE.2024-10-02T08-27-28Z
        RELEASE.2024-10-08T09-37-26Z RELEASE.2024-10-08T09-37-26Z-cpuv1 RELEASE.2024-07-31T15-58-33Z
        RELEASE.2024-08-26T10-49-58Z RELEASE.2024-10-02T08-27-28Z.fips RELEASE.2024-07-26T13-08-44Z
        """,
        (Case("RELEASE.2024-09-16T17-43-14Z", "RELEASE.2024-10-08T09-37-26Z"),),
    ),
    Listing(
        "clickhouse/clickhouse-server",
        """
        latest head latest-alpine head-alpine 24 24.8 24.9 24.8-alpine 24.3.12 24.8.4 24.8.5
        24.3.12.75 24.8.4.13 24.8.5.115 24.9.2.42 24.9.2 24.3.12.75-alpine 24.8.5.115-alpine
        24.9.2.42-alpine 24.9.2-alpine
        """,
        (
            Case("24.3.12.75", "24.9.2.42"),
            Case("24.3.12.75-alpine", "24.9.2.42-alpine"),
            Case("24.8.4", "24.9.2", "three numbers stay three"),
            Case("24.8", "24.9"),
            Case("24.8.4.13", "24.8.5.115", rules=PATCH),
            Case("head-alpine", None),
        ),
    ),
    Listing(
        "mcr.microsoft.com/mssql/server",
        """
        latest 2017-latest 2019-latest 2022-latest 2019-CU27-ubuntu-20.04 2019-CU28-ubuntu-20.04
        2022-CU9-ubuntu-20.04 2022-CU10-ubuntu-22.04 2022-CU14-ubuntu-22.04 2022-CU15-ubuntu-22.04
        2022-RTM-ubuntu-20.04 2022-preview-ubuntu-22.04
        """,
        (
            Case("2022-CU10-ubuntu-22.04", "2022-CU15-ubuntu-22.04", "CU counts updates"),
            Case("2022-CU9-ubuntu-20.04", None, "later ones are on Ubuntu 22.04"),
            Case("2022-CU9-ubuntu-20.04", "2022-CU15-ubuntu-22.04", rules=NEWER_SUFFIX),
            Case("2019-CU27-ubuntu-20.04", "2019-CU28-ubuntu-20.04", "", MINOR),
        ),
    ),
    Listing(
        "quay.io/ceph/ceph",
        """
        v17 v18 v18.2 v19 v17.2.7 v18.2.2 v18.2.4 v19.2.0 v18.2.4-20240724 v18.2.4-20241014
        v18.2.2-20240521 v19.2.0-20240927 v19.1.0-20240702 v17.2.7-20240408
        """,
        (
            Case("v18.2.2", "v19.2.0"),
            Case("v18.2.4-20240724", "v18.2.4-20241014", "a later build of that version", PATCH),
            Case("v18.2.2-20240521", "v19.2.0-20240927", "the version decides before the day"),
        ),
    ),
    Listing(
        "timescale/timescaledb",
        """
        latest-pg15 latest-pg16 latest-pg16-oss 2.15.3-pg15 2.15.3-pg16 2.16.1-pg15 2.16.1-pg16
        2.17.0-pg15 2.17.0-pg16 2.17.0-pg17 2.17.0-pg16-oss 2.15.3-pg16-oss nightly-pg16
        """,
        (
            Case("2.15.3-pg15", "2.17.0-pg15", "a new PostgreSQL is not for a bot to choose"),
            Case("2.15.3-pg16-oss", "2.17.0-pg16-oss"),
            Case("2.15.3-pg15", "2.17.0-pg17", rules=NEWER_SUFFIX),
            Case("latest-pg16", None),
        ),
    ),
    Listing(
        "bitnami/postgresql",
        """
        latest 15 16 17 16-debian-11 16-debian-12 17-debian-12 16.3.0 16.4.0 17.0.0
        16.3.0-debian-12-r23 16.4.0-debian-12-r0 16.4.0-debian-12-r3 16.4.0-debian-12-r7
        16.4.0-debian-12-r14 17.0.0-debian-12-r3 17.0.0-debian-12-r9 16.4.0-debian-11-r30
        17.0.0-debian-12-r10-amd64 latest-metadata-5
        sha256-2c8e8d6b5d2cbd7a2f27a2b4e4fd0f2d6d0ef2ed6c0e7c1ef8b7a1f57a8d0c3b.sig
        sha256-2c8e8d6b5d2cbd7a2f27a2b4e4fd0f2d6d0ef2ed6c0e7c1ef8b7a1f57a8d0c3b
        """,
        (
            Case("16.4.0-debian-12-r3", "17.0.0-debian-12-r9", "r counts builds"),
            Case("16.4.0-debian-12-r3", "16.4.0-debian-12-r14", "14 is more than 7", MINOR),
            Case("16.3.0-debian-12-r23", "16.4.0-debian-12-r14", "fewer builds of a higher", MINOR),
            Case("16.4.0-debian-11-r30", None, "Debian 12 is another variant"),
            Case("16.4.0-debian-11-r30", "17.0.0-debian-12-r9", rules=NEWER_SUFFIX),
            Case("16.3.0", "17.0.0"),
            Case("16-debian-11", None, "17-debian-11 is not listed"),
            Case("16-debian-12", "17-debian-12"),
            Case("latest-metadata-5", None),
        ),
    ),
    Listing(
        "bitnami/redis",
        """
        latest 7.2 7.4 7.2-debian-12 7.4-debian-12 7.2.5 7.4.0 7.4.1 7.2.5-debian-12-r4
        7.4.0-debian-12-r0 7.4.1-debian-12-r0 7.4.1-debian-12-r1 7.4.0-debian-12-r5
        """,
        (
            Case("7.2.5-debian-12-r4", "7.4.1-debian-12-r1"),
            Case("7.4.0-debian-12-r5", "7.4.1-debian-12-r1"),
            Case(
                "7.2.5-debian-12-r4",
                "7.4.1-debian-12-r1",
                "the same by hand",
                extracting(r"^(\d+\.\d+\.\d+)-debian-12-r(\d+)$", "$1", "$2"),
            ),
        ),
    ),
)
