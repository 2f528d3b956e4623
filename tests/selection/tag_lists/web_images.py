"""Web servers, proxies and what is built on them: Docker official images, mostly."""

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

WEB = (
    Listing(
        "nginx",
        """
        latest mainline stable alpine alpine3.19 alpine3.20 alpine-slim mainline-alpine perl
        stable-alpine stable-alpine3.19 bookworm mainline-alpine3.20 stable-bookworm-perl otel 1
        1.24 1.25 1.26 1.27 1-alpine 1.26-alpine 1.27-alpine 1.27-alpine3.20 1.27-perl 1.24.0 1.25.3
        1.25.5 1.26.1 1.26.2 1.27.0 1.27.1 1.27.2 1.25.3-alpine 1.26.2-alpine 1.27.2-alpine
        1.25.3-alpine3.18 1.26.2-alpine3.19 1.27.1-alpine3.20 1.27.2-alpine3.20 1.27.2-alpine-slim
        1.27.2-bookworm 1.27.2-perl 1.25.3-bookworm-perl 1.27.2-bookworm-perl 1.27.2-alpine3.20-otel
        """,
        (
            Case("1.25.3", "1.27.2"),
            Case("1.27.2", None),
            Case("1.25", "1.27", "two numbers stay two"),
            Case("1", None),
            Case("1.25.3-alpine", "1.27.2-alpine"),
            Case("1.26-alpine", "1.27-alpine"),
            Case("1.25.3-alpine3.18", None, "no other release on Alpine 3.18"),
            Case("1.25.3-alpine3.18", "1.27.2-alpine3.20", rules=NEWER_SUFFIX),
            Case("1.27.1-alpine3.20", "1.27.2-alpine3.20"),
            Case("1.25.3-bookworm-perl", "1.27.2-bookworm-perl"),
            Case("1.25.3", "1.25.5", rules=PATCH),
            Case("1.24.0", "1.26.2", "the stable branch", within("~1.24 || ~1.26")),
            Case("1.25", "1.27.2", "asked for", COERCE),
            Case("alpine3.19", None, "the newest nginx on Alpine 3.19: no version 3.19 of nginx"),
            Case("stable-alpine3.19", None, "as above"),
            Case("stable", None, "a moving tag"),
            Case(
                "1.25.3-alpine",
                "1.27.2-alpine",
                "the filter leaves out alpine-slim and alpine3.20",
                extracting(r"^(\d+\.\d+\.\d+)-alpine$", "$1"),
            ),
        ),
    ),
    Listing(
        "httpd",
        """
        latest alpine alpine3.20 bookworm trixie 2 2-alpine 2-alpine3.20 2.4 2.4-alpine
        2.4-alpine3.20 2.4-bookworm 2.4.57 2.4.58 2.4.59 2.4.61 2.4.62 2.4.58-alpine 2.4.62-alpine
        2.4.58-alpine3.19 2.4.62-alpine3.20 2.4.58-bookworm 2.4.62-bookworm
        """,
        (
            Case("2.4.58", "2.4.62"),
            Case("2.4.58-bookworm", "2.4.62-bookworm"),
            Case("2.4.58-alpine3.19", None),
            Case("2.4.58-alpine3.19", "2.4.62-alpine3.20", rules=NEWER_SUFFIX),
            Case("2.4", None),
        ),
    ),
    Listing(
        "traefik",
        """
        latest v2 v2.11 v3 v3.0 v3.1 v3.2 2.11 3.1 mimolette comte saintnectaire munster v2.10.7
        v2.11.0 v2.11.10 v2.11.11 v3.0.0 v3.0.4 v3.1.0 v3.1.5 v3.1.6 3.1.5 3.1.6 v3.2.0-rc1
        v3.2.0-rc2 3.2.0-rc2 v3.0.0-beta5 v2.11.0-alpine v3.1.6-windowsservercore-ltsc2022
        v3.1.5-nanoserver-ltsc2022 v3.1.6-nanoserver-ltsc2022 experimental-v3.1
        """,
        (
            Case("v2.10.7", "v3.1.6"),
            Case("v2.10.7", "v2.11.11", rules=MINOR),
            Case("v3.0", "v3.2", "v3.2 is listed, whatever it points to"),
            Case("3.1.5", "3.1.6", "without v stays without v"),
            Case("v3.1.5-nanoserver-ltsc2022", "v3.1.6-nanoserver-ltsc2022"),
            Case("v3.2.0-rc1", "v3.2.0-rc2", "a pre-release goes on to the next of its version"),
            Case("comte", None, "the name of a branch, moving"),
        ),
    ),
    Listing(
        "haproxy",
        """
        latest lts alpine lts-alpine dev dev-alpine 2.8 2.9 3.0 3.0-alpine 3.1-dev 3.1-dev9
        3.1-dev10 3.1-dev9-alpine 3.1-dev10-alpine 2.8.11 2.9.9 2.9.11 3.0.3 3.0.5 2.9.9-alpine
        3.0.5-alpine 3.0.5-alpine3.20 2.9.9-bookworm 3.0.5-bookworm
        """,
        (
            Case("2.9.9", "3.0.5"),
            Case("2.9.9", "2.9.11", rules=PATCH),
            Case("2.9.9-alpine", "3.0.5-alpine"),
            Case("2.9", "3.0", "3.1-dev10 is a development build"),
            Case("3.1-dev9", "3.1-dev10", "dev10 is after dev9, as a number"),
            Case("3.1-dev9-alpine", "3.1-dev10-alpine"),
            Case("lts-alpine", None),
        ),
    ),
    Listing(
        "caddy",
        """
        latest alpine builder builder-alpine windowsservercore-1809 2 2.7 2.8 2-alpine 2.8-alpine
        2-builder 2.7.6 2.8.0 2.8.4 2.7.6-alpine 2.8.4-alpine 2.7.6-builder 2.8.4-builder
        2.7.6-builder-alpine 2.8.4-builder-alpine 2.8.4-windowsservercore-ltsc2022 2.9.0-beta.2
        2.9.0-beta.2-alpine 2.9.0-beta.3-builder
        """,
        (
            Case("2.7.6", "2.8.4"),
            Case("2.7.6-alpine", "2.8.4-alpine"),
            Case("2.7.6-builder", "2.8.4-builder", "2.9.0-beta.3-builder is a pre-release"),
            Case("2.7.6-builder-alpine", "2.8.4-builder-alpine"),
            Case("2-alpine", None),
        ),
    ),
    Listing(
        "tomcat",
        """
        latest jdk21 jre17 9 10 10.1 11 9.0.95 9.0.96 10.1.26 10.1.31 11.0.0 11.0.0-M26 10.1-jdk17
        10.1.26-jdk17 10.1.31-jdk17 10.1.31-jdk21 10.1.26-jdk17-temurin-jammy
        10.1.31-jdk17-temurin-jammy 10.1.31-jdk21-temurin-noble 10.1.31-jre17-temurin-jammy
        11.0.0-jdk21-temurin-noble 11.0.0-M24-jdk21 11.0.0-M26-jdk21 10.1.31-jdk17-corretto-al2023
        """,
        (
            Case("10.1.26", "11.0.0"),
            Case("10.1.26", "10.1.31", rules=MINOR),
            Case("10.1.26-jdk17", "10.1.31-jdk17", "Java 21 is another variant"),
            Case("10.1.26-jdk17-temurin-jammy", "10.1.31-jdk17-temurin-jammy"),
            Case("11.0.0-M24-jdk21", "11.0.0-M26-jdk21"),
        ),
    ),
    Listing(
        "jetty",
        """
        latest jre17 jdk21 9.4 12.0 9.4.54 9.4.56 12.0.9 12.0.14 9.4.54-jre11 12.0.9-jdk21
        12.0.14-jdk21 12.0.9-jdk21-eclipse-temurin 12.0.14-jdk21-eclipse-temurin
        12.0.14-jdk17-alpine 12.1.0.alpha0 12.1.0.alpha1-jdk21 9.4.54-jdk17-amazoncorretto
        """,
        (
            Case("12.0.9", "12.0.14", "12.1.0.alpha0 is a pre-release"),
            Case("12.0.9-jdk21", "12.0.14-jdk21"),
            Case("12.0.9-jdk21-eclipse-temurin", "12.0.14-jdk21-eclipse-temurin"),
            Case("9.4.54-jre11", None),
        ),
    ),
    Listing(
        "wordpress",
        """
        latest apache fpm php8.3 php8.3-apache cli cli-2.10 cli-2.11 cli-2.11.0 cli-2.10.0-php8.2
        cli-2.11.0-php8.2 6 6.5 6.6 6.6-apache 6.6-php8.3 6.5.5-apache 6.6.2-apache 6.6.2-fpm
        6.5.5-php8.2-apache 6.6.1-php8.2-apache 6.6.2-php8.2-apache 6.6.2-php8.3-apache
        6.6.2-php8.3-fpm-alpine 6.5.5-php8.2-fpm-alpine 6.6.2-php8.2-fpm-alpine beta-6.7-beta2
        beta-6.7-beta2-php8.3-apache beta-6.7-RC1-php8.3-apache beta-6.7-php8.3
        """,
        (
            Case("6.5.5-php8.2-apache", "6.6.2-php8.2-apache", "PHP stays as it is"),
            Case("6.5.5-php8.2-apache", "6.6.2-php8.3-apache", rules=NEWER_SUFFIX),
            Case("6.5.5-php8.2-fpm-alpine", "6.6.2-php8.2-fpm-alpine"),
            Case("6.5.5-apache", "6.6.2-apache"),
            Case("cli-2.10.0-php8.2", "cli-2.11.0-php8.2"),
            Case("cli-2.10", "cli-2.11"),
            Case("php8.3-apache", None, "no version 8.3 of WordPress"),
        ),
    ),
    Listing(
        "drupal",
        """
        latest php8.3 apache-bookworm 10 10.3 11 11.0 10.2.7 10.3.1 10.3.6 11.0.5 11.1.0-beta1
        10.2.7-apache-bookworm 10.3.6-apache-bookworm 10.2.7-php8.3-apache-bookworm
        10.3.6-php8.3-apache-bookworm 11.0.5-php8.3-apache-bookworm 10.3.6-fpm-alpine3.20
        10.2.7-fpm-alpine3.19 11.0.5-fpm-alpine3.20
        """,
        (
            Case("10.2.7", "11.0.5"),
            Case("10.2.7-php8.3-apache-bookworm", "10.3.6-php8.3-apache-bookworm", "", MINOR),
            Case("10.2.7-fpm-alpine3.19", "11.0.5-fpm-alpine3.20", rules=NEWER_SUFFIX),
        ),
    ),
    Listing(
        "nextcloud",
        """
        latest stable production apache fpm fpm-alpine 28 29 30 29-apache 30-fpm-alpine 29.0 28.0.9
        29.0.4 29.0.8 30.0.0 30.0.1 30.0.1rc1 31.0.0beta1 28.0.9-apache 29.0.4-apache 29.0.8-apache
        30.0.1-apache 29.0.4-fpm-alpine 30.0.1-fpm-alpine 29.0.4-fpm 30.0.1rc1-fpm
        """,
        (
            Case("29.0.4", "30.0.1"),
            Case("29.0.4-apache", "29.0.8-apache", rules=PATCH),
            Case("29-apache", None, "30-apache is not listed"),
            Case("29.0.4-fpm-alpine", "30.0.1-fpm-alpine"),
            Case("29.0.4-fpm", None, "30.0.1rc1-fpm is a pre-release"),
            Case("production", None),
        ),
    ),
    Listing(
        "phpmyadmin",
        """
        latest apache fpm fpm-alpine 5 5.2 5-apache 5.2-fpm 5.1.4 5.2.0 5.2.1 5.2.1-apache
        5.2.0-apache 5.2.0-fpm-alpine 5.2.1-fpm-alpine
        """,
        (Case("5.1.4", "5.2.1"), Case("5.2.0-fpm-alpine", "5.2.1-fpm-alpine")),
    ),
    Listing(
        "adminer",
        """
        latest standalone fastcgi 4 4-standalone 4-fastcgi 4.8.1 4.8.1-standalone 4.8.1-fastcgi
        4.8.0-standalone 4.8.0-fastcgi 4.8.0 4.7.9 4.17.1 4.17.1-fastcgi
        """,
        (
            Case("4.8.1", "4.17.1", "17 is more than 8"),
            Case("4.8.0-standalone", "4.8.1-standalone"),
            Case("4.8.1-fastcgi", "4.17.1-fastcgi"),
        ),
    ),
)
