"""Languages, their build tools and what is trained with them."""

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

LANGUAGES = (
    Listing(
        "node",
        """
        latest current lts lts-alpine iron jod hydrogen-slim 18 20 22 23 20-alpine 22-alpine 20-slim
        22-slim 20-bookworm-slim 22-bookworm-slim 22-bullseye-slim 18.20.4 20.11.1 20.18.0 22.9.0
        22.10.0 23.0.0 20.11.1-alpine 22.9.0-alpine 20.11.1-alpine3.19 20.18.0-alpine3.19
        20.18.0-alpine3.20 22.9.0-alpine3.20 20.11.1-bookworm-slim 22.9.0-bookworm-slim 20.11-slim
        22.9-slim
        """,
        (
            Case("20.11.1", "23.0.0"),
            Case("20.11.1", "20.18.0", rules=MINOR),
            Case("20.11.1", "22.10.0", "even majors only", within("^18 || ^20 || ^22")),
            Case("20-alpine", "22-alpine"),
            Case("20.11.1-alpine", "22.9.0-alpine"),
            Case("20.11.1-alpine3.19", "20.18.0-alpine3.19"),
            Case("20.11.1-alpine3.19", "22.9.0-alpine3.20", rules=NEWER_SUFFIX),
            Case("20.11.1-bookworm-slim", "22.9.0-bookworm-slim"),
            Case("20-bookworm-slim", "22-bookworm-slim", "bullseye is another variant"),
            Case("20.11-slim", "22.9-slim"),
            Case("lts-alpine", None),
            Case("iron", None, "a code name"),
        ),
    ),
    Listing(
        "python",
        """
        latest slim alpine bookworm 3 3.11 3.12 3.13 3.13-rc 3.14-rc 3.12-slim 3.13-slim
        3.12-alpine3.20 3.13-slim-bookworm 3.11.9 3.12.3 3.12.7 3.13.0 3.13.0rc2 3.13.0rc3 3.14.0a1
        3.14.0a1-slim 3.12.3-slim 3.12.7-slim 3.13.0-slim 3.13.0rc3-slim 3.12.3-slim-bookworm
        3.12.7-slim-bookworm 3.13.0-slim-bookworm 3.12.3-slim-bullseye 3.12.7-slim-bullseye
        3.12.3-alpine3.19 3.13.0-alpine3.20 3.12.7-windowsservercore-ltsc2022
        """,
        (
            Case("3.12.3", "3.13.0", "3.14.0a1 is an alpha"),
            Case("3.12.3", "3.12.7", rules=PATCH),
            Case("3.12.3-slim", "3.13.0-slim"),
            Case("3.12.3-slim-bullseye", "3.12.7-slim-bullseye"),
            Case("3.12", "3.13", "3.13-rc and 3.14-rc are no releases"),
            Case("3.12-slim", "3.13-slim"),
            Case("3.12.3-alpine3.19", "3.13.0-alpine3.20", rules=NEWER_SUFFIX),
            Case("3.13.0rc2", "3.13.0"),
            Case("3.13.0rc3-slim", "3.13.0-slim"),
            Case("3.11", "3.13.0", rules=COERCE),
        ),
    ),
    Listing(
        "golang",
        """
        latest alpine bookworm tip tip-20241012 tip-alpine3.20 1 1.22 1.23 1.22-alpine 1.23-alpine
        1.24rc1 1.22.5 1.22.8 1.23.0 1.23.2 1.23rc2 1.22.5-alpine 1.23.2-alpine 1.22.5-alpine3.20
        1.23.2-alpine3.20 1.23.2-alpine3.19 1.22.5-bookworm 1.23.2-bookworm 1.23.2-nanoserver-1809
        1.24rc1-alpine 1.22-alpine3.20
        """,
        (
            Case("1.22.5", "1.23.2"),
            Case("1.22.5", "1.22.8", rules=PATCH),
            Case("1.22", "1.23", "1.24rc1 is no release"),
            Case("1.22-alpine", "1.23-alpine"),
            Case("1.22.5-alpine3.20", "1.23.2-alpine3.20"),
            Case("tip-20241012", None, "no later day is listed"),
        ),
    ),
    Listing(
        "rust",
        """
        latest slim alpine bookworm 1 1.80 1.81 1.82 1-slim 1.82-slim 1.80.1 1.81.0 1.82.0
        1.80.1-slim 1.82.0-slim 1.81.0-slim-bookworm 1.82.0-slim-bookworm 1.82.0-slim-bullseye
        1.81.0-alpine3.20 1.82.0-alpine3.20
        """,
        (
            Case("1.80.1", "1.82.0"),
            Case("1.81.0-slim-bookworm", "1.82.0-slim-bookworm"),
            Case("1.81.0-alpine3.20", "1.82.0-alpine3.20"),
            Case("1.80", "1.82"),
        ),
    ),
    Listing(
        "ruby",
        """
        latest slim alpine 3 3.2 3.3 3.4-rc 3.4.0-preview1 3.4.0-preview2 3.2.5 3.3.4 3.3.5
        3.2.5-slim 3.3.5-slim 3.3.4-slim-bookworm 3.3.5-slim-bookworm 3.4.0-preview2-slim-bookworm
        3.3.4-alpine3.20 3.3.5-alpine3.20 3.3.5-alpine3.19
        """,
        (
            Case("3.2.5", "3.3.5"),
            Case("3.3.4-slim-bookworm", "3.3.5-slim-bookworm"),
            Case("3.4.0-preview1", "3.4.0-preview2"),
            Case("3.2", "3.3"),
        ),
    ),
    Listing(
        "php",
        """
        latest fpm cli apache fpm-alpine fpm-alpine3.20 8 8.2 8.3 8.3-fpm 8.2-fpm-alpine
        8.3-fpm-alpine 8.2.24 8.3.8 8.3.12 8.4.0RC1 8.4.0RC2 8.3.8-fpm 8.3.12-fpm 8.3.8-fpm-alpine
        8.3.12-fpm-alpine 8.3.8-fpm-alpine3.19 8.3.12-fpm-alpine3.19 8.3.12-fpm-alpine3.20
        8.4.0RC2-fpm-alpine3.20 8.4.0RC1-fpm-alpine3.20 8.3.8-apache-bookworm 8.3.12-apache-bookworm
        8.3.12-zts-alpine3.20
        """,
        (
            Case("8.3.8", "8.3.12"),
            Case("8.3.8-fpm-alpine3.19", "8.3.12-fpm-alpine3.19"),
            Case("8.3.8-fpm-alpine3.19", "8.3.12-fpm-alpine3.20", rules=NEWER_SUFFIX),
            Case("8.3.8-apache-bookworm", "8.3.12-apache-bookworm"),
            Case("8.2-fpm-alpine", "8.3-fpm-alpine"),
            Case("8.4.0RC1-fpm-alpine3.20", "8.4.0RC2-fpm-alpine3.20"),
            Case("fpm-alpine3.20", None, "no version 3.20 of PHP"),
        ),
    ),
    Listing(
        "composer",
        """
        latest lts 1 2 2.2 2.7 2.8 1.10.27 2.2.24 2.7.9 2.8.0 2.8.1 latest-bin 2-bin 2.7-bin 2.8-bin
        2.7.9-bin 2.8.1-bin
        """,
        (Case("2.7.9", "2.8.1"), Case("2.7-bin", "2.8-bin"), Case("1.10.27", None, "", PATCH)),
    ),
    Listing(
        "eclipse-temurin",
        """
        latest 8 11 17 21 23 17-jre 21-jre 21-jre-alpine 8u412-b08-jdk 8u422-b05-jdk 8u432-b06-jdk
        8u422-b05-jre-alpine 11.0.24_8-jre 17.0.12_7-jdk 17.0.12_7-jre-alpine 21.0.4_7-jre-alpine
        21.0.4_7-jre 21.0.5_11-jre-alpine 21.0.5_11-jdk 21.0.5_9-ea-jdk 23_37-jre-alpine
        23.0.1_11-jre 21.0.4_7-jdk-jammy 21.0.5_11-jdk-noble 21.0.5_11-jdk-jammy 17-jre-alpine
        21-jdk 17-jdk 23-jdk 21.0.4_7-jdk-windowsservercore-ltsc2022 17.0.8.1_1-jre 17.0.9_9-jre
        17.0.11.1_1-jre
        """,
        (
            Case("21.0.4_7-jre-alpine", "21.0.5_11-jre-alpine"),
            Case("17.0.12_7-jre-alpine", "21.0.5_11-jre-alpine"),
            Case("17.0.12_7-jre-alpine", None, "21 is another major", MINOR),
            Case("21.0.4_7-jdk-jammy", "21.0.5_11-jdk-jammy"),
            Case("17-jre-alpine", "21-jre-alpine"),
            Case("17-jdk", "23-jdk"),
            Case("8u412-b08-jdk", "8u432-b06-jdk", "update 432 is after 412; b counts its builds"),
            Case("17.0.8.1_1-jre", "17.0.11.1_1-jre"),
        ),
    ),
    Listing(
        "openjdk",
        """
        8 11 17 21 24 17-jdk 21-jdk 22-jdk 17-jdk-slim 21-jdk-slim 17-alpine 24-ea 24-ea-18 24-ea-19
        24-ea-18-jdk 24-ea-19-jdk 24-ea-18-jdk-slim-bookworm 24-ea-19-jdk-slim-bookworm 17.0.2
        17.0.2-jdk-slim-bullseye 17.0.1-jdk-slim-bullseye 8u342-jre 8u332-jre 24-rc-jdk
        """,
        (
            Case("17-jdk-slim", "21-jdk-slim"),
            Case("17-jdk", "22-jdk", "early access of 24 is no release"),
            Case("24-ea-18-jdk", "24-rc-jdk", "a candidate for release is after early access"),
            Case("24-ea-18-jdk-slim-bookworm", "24-ea-19-jdk-slim-bookworm"),
            Case("8u332-jre", "8u342-jre"),
            Case("17.0.1-jdk-slim-bullseye", "17.0.2-jdk-slim-bullseye"),
        ),
    ),
    Listing(
        "amazoncorretto",
        """
        latest 8 11 17 21 23 17-alpine 21-alpine 21-al2023 17-al2023-headless 21-al2023-headless
        8u422-alpine3.20 8u422-al2 8u432-al2 8u432-alpine3.20 17.0.12 21.0.4 21.0.5 23.0.1
        21.0.4-alpine3.19 21.0.4-alpine3.20 21.0.5-alpine3.20 17.0.12-al2023-jdk 21.0.5-al2023
        """,
        (
            Case("21.0.4", "23.0.1"),
            Case("21.0.4", "21.0.5", rules=MINOR),
            Case("8u422-alpine3.20", "8u432-alpine3.20"),
            Case("21.0.4-alpine3.20", "21.0.5-alpine3.20"),
            Case("17-al2023-headless", "21-al2023-headless"),
            Case("8u422-al2", "8u432-al2", "al2023 is another variant", NEWER_SUFFIX),
        ),
    ),
    Listing(
        "maven",
        """
        latest 3 3.8 3.9 3-eclipse-temurin-21 3.8.8 3.9.8 3.9.9 4.0.0-beta-4 4.0.0-rc-1
        3.9.8-eclipse-temurin-17 3.9.9-eclipse-temurin-17 3.9.9-eclipse-temurin-21
        3.9.9-eclipse-temurin-21-alpine 3.9.8-eclipse-temurin-21-alpine 3.9.9-amazoncorretto-17
        4.0.0-rc-1-eclipse-temurin-17 3.9.9-ibmjava-8 3.9.8-sapmachine-22
        """,
        (
            Case("3.9.8", "3.9.9"),
            Case("3.9.8-eclipse-temurin-17", "3.9.9-eclipse-temurin-17"),
            Case("3.9.8-eclipse-temurin-17", "3.9.9-eclipse-temurin-21", rules=NEWER_SUFFIX),
            Case("3.9.8-eclipse-temurin-21-alpine", "3.9.9-eclipse-temurin-21-alpine"),
        ),
    ),
    Listing(
        "gradle",
        """
        latest jdk17 jdk21 jdk21-alpine 8 8.9 8.10 8-jdk21 7.6.4-jdk17 8.9.0-jdk17 8.9.0-jdk21
        8.10.1-jdk21 8.10.2-jdk17 8.10.2-jdk21 8.10.2-jdk21-alpine 8.9.0-jdk21-alpine
        8.10.2-jdk21-graal 8.10.2-jdk-21-and-22 8.11.0-rc-1-jdk21
        """,
        (
            Case("8.9.0-jdk21", "8.10.2-jdk21"),
            Case("7.6.4-jdk17", "8.10.2-jdk17"),
            Case("8.9.0-jdk21-alpine", "8.10.2-jdk21-alpine"),
            Case("jdk21-alpine", None),
        ),
    ),
    Listing(
        "mcr.microsoft.com/dotnet/aspnet",
        """
        latest 6.0 8.0 9.0 9.0-preview 8.0-alpine 8.0-jammy-chiseled 8.0-noble-chiseled
        8.0-nanoserver-1809 9.0-nanoserver-1809 8.0-nanoserver-ltsc2022 8.0.8 8.0.10 9.0.0-rc.2
        8.0.8-bookworm-slim-amd64 8.0.10-bookworm-slim-amd64 8.0.10-bookworm-slim-arm64v8
        8.0.8-alpine3.19 8.0.10-alpine3.20 8.0.8-alpine3.20-amd64 8.0.10-alpine3.20-amd64
        9.0.0-rc.2-alpine3.20-amd64 8.0.8-jammy-chiseled 8.0.10-jammy-chiseled
        8.0.10-jammy-chiseled-extra 8.0.8-bookworm-slim-arm32v7 8.0.10-bookworm-slim-arm64v8-x
        """,
        (
            Case("8.0.8", "8.0.10"),
            Case("8.0.8-bookworm-slim-amd64", "8.0.10-bookworm-slim-amd64"),
            Case(
                "8.0.8-bookworm-slim-arm32v7", None, "arm64v8 is not a newer arm32v7", NEWER_SUFFIX
            ),
            Case("8.0.8-alpine3.20-amd64", "8.0.10-alpine3.20-amd64"),
            Case("8.0.8-alpine3.19", "8.0.10-alpine3.20", rules=NEWER_SUFFIX),
            Case("8.0.8-jammy-chiseled", "8.0.10-jammy-chiseled"),
            Case("8.0-nanoserver-1809", "9.0-nanoserver-1809"),
            Case("8.0", "9.0", "9.0-preview is none"),
            Case("8.0-jammy-chiseled", None),
        ),
    ),
    Listing(
        "pytorch/pytorch",
        """
        latest 2.3.1-cuda11.8-cudnn8-runtime 2.3.1-cuda12.1-cudnn8-runtime
        2.4.1-cuda11.8-cudnn9-devel 2.4.1-cuda11.8-cudnn9-runtime 2.4.1-cuda12.1-cudnn9-runtime
        2.4.1-cuda12.4-cudnn9-runtime 2.4.1-cuda12.4-cudnn9-devel 2.5.0-cuda12.4-cudnn9-runtime
        2.5.0-cuda11.8-cudnn9-runtime 2.4.0-cuda12.4-cudnn9-runtime
        2.5.1-rc2-cuda12.4-cudnn9-runtime
        """,
        (
            Case("2.4.0-cuda12.4-cudnn9-runtime", "2.5.0-cuda12.4-cudnn9-runtime"),
            Case("2.3.1-cuda12.1-cudnn8-runtime", None, "cuDNN 9 is another variant"),
            Case(
                "2.3.1-cuda12.1-cudnn8-runtime", "2.5.0-cuda12.4-cudnn9-runtime", "", NEWER_SUFFIX
            ),
            Case(
                "2.4.1-cuda12.4-cudnn9-devel",
                None,
                "the CUDA toolkit is not taken back",
                NEWER_SUFFIX,
            ),
        ),
    ),
    Listing(
        "tensorflow/tensorflow",
        """
        latest latest-gpu latest-gpu-jupyter nightly nightly-gpu 2.16.1 2.17.0 2.16.1-gpu 2.17.0-gpu
        2.17.0-gpu-jupyter 2.16.1-gpu-jupyter 2.17.0-jupyter 2.18.0rc0 2.18.0rc0-gpu 2.18.0rc1-gpu
        devel custom-op-gpu-ubuntu16 1.15.5-gpu
        """,
        (
            Case("2.16.1-gpu", "2.17.0-gpu", "2.18.0rc1-gpu is a candidate for release"),
            Case("2.16.1-gpu-jupyter", "2.17.0-gpu-jupyter"),
            Case("2.18.0rc0-gpu", "2.18.0rc1-gpu"),
            Case("nightly-gpu", None),
        ),
    ),
    Listing(
        "quay.io/jupyter/base-notebook",
        """
        latest 2024-09-30 2024-10-07 2024-10-14 2023-11-20 python-3.11 python-3.12 python-3.11.9
        python-3.11.10 python-3.12.7 hub-5.2 hub-5.2.0 hub-5.1.0 lab-4.2.5 lab-4.1.8 notebook-7.2.2
        ubuntu-24.04 x86_64-2024-10-14 x86_64-2024-10-07 aarch64-latest 3a5f7b9c1d2e 1a2b3c4d5e6f
        """,
        (
            Case("2024-09-30", "2024-10-14"),
            Case("x86_64-2024-10-07", "x86_64-2024-10-14"),
            Case("lab-4.1.8", "lab-4.2.5", "notebook-7.2.2 is another component's version"),
            Case("python-3.11.9", "python-3.11.10", rules=PATCH),
            Case("python-3.11", "python-3.12"),
            Case("hub-5.1.0", "hub-5.2.0"),
            Case("3a5f7b9c1d2e", None),
        ),
    ),
    Listing(
        "apache/spark",
        """
        latest 3.5.2 3.5.3 3.4.3 python3 r scala 3.5.3-python3 3.5.2-python3 3.5.2-scala
        3.5.3-scala2.12-java17-python3-ubuntu 3.5.2-scala2.12-java17-python3-ubuntu
        3.5.3-scala2.12-java11-python3-ubuntu 4.0.0-preview1 4.0.0-preview2
        4.0.0-preview2-scala2.13-java17-ubuntu 3.5.3-java17
        """,
        (
            Case("3.5.2", "3.5.3", "4.0.0-preview2 is none"),
            Case("3.5.2-scala2.12-java17-python3-ubuntu", "3.5.3-scala2.12-java17-python3-ubuntu"),
            Case("3.5.2-scala", None),
        ),
    ),
    Listing(
        "ghcr.io/astral-sh/uv",
        """
        latest 0.4 0.4.18 0.4.20 0.4.21 python3.12-bookworm-slim python3.13-bookworm-slim
        0.4.18-python3.12-bookworm-slim 0.4.21-python3.12-bookworm-slim
        0.4.21-python3.13-bookworm-slim alpine debian-slim 0.4.21-alpine sha-a1b2c3d
        """,
        (
            Case("0.4.18-python3.12-bookworm-slim", "0.4.21-python3.12-bookworm-slim"),
            Case("0.4.18", "0.4.21"),
            Case("python3.12-bookworm-slim", None, "the newest uv on that Python"),
            Case(
                "0.4.18-python3.12-bookworm-slim",
                "0.4.21-python3.13-bookworm-slim",
                "by hand",
                extracting(r"^(\d+\.\d+\.\d+)-python(\d+\.\d+)-bookworm-slim$", "$1", "$2"),
            ),
        ),
    ),
)
