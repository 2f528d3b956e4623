"""Whose a file is, by the usual names of folders or by patterns."""

import pytest

from imagebot.patterns import Pattern
from imagebot.places import Place, place_of
from imagebot.policy.model import PlacePatterns


@pytest.mark.parametrize(
    ("file", "folder", "environment", "team"),
    [
        ("deployment.yaml", "", "", ""),
        ("apps/api/deployment.yaml", "apps/api", "", ""),
        ("apps/api/overlays/production/kustomization.yaml", "apps/api", "production", ""),
        ("apps/api/base/kustomization.yaml", "apps/api", "", ""),
        ("apps/production/podinfo.yaml", "apps/production", "production", ""),
        ("apps/production/podinfo/release.yaml", "apps/production/podinfo", "production", ""),
        ("clusters/prod-eu/apps/web/x.yaml", "clusters/prod-eu/apps/web", "prod-eu", ""),
        ("environments/staging.yaml", "environments", "staging", ""),
        ("api/overlays/canary-2/patch.yaml", "api", "canary-2", ""),
        ("api/Production/x.yaml", "api", "Production", ""),
        ("charts/web/values-prod.yaml", "charts/web", "prod", ""),
        ("charts/web/values.prod.yaml", "charts/web", "prod", ""),
        ("charts/web/values-eu.yaml", "charts/web", "", ""),
        ("teams/payments/api/dev/x.yaml", "teams/payments/api", "dev", "payments"),
        ("tenants/blue.yaml", "tenants", "", "blue"),
        ("reproduction/x.yaml", "reproduction", "", ""),
    ],
)  # fmt: skip
def test_the_usual_names_are_known(file: str, folder: str, environment: str, team: str) -> None:
    assert place_of(file, PlacePatterns()) == Place(folder, environment, team)


def test_a_pattern_decides_alone_by_its_first_group_or_all_that_it_found() -> None:
    patterns = PlacePatterns(
        environment=Pattern.compile("^k8s/([^/]+)/"), team=Pattern.compile("red|blue")
    )
    assert place_of("k8s/north/blue/x.yaml", patterns) == Place("k8s/north/blue", "north", "blue")
    assert place_of("prod/teams/a/x.yaml", patterns).environment == ""
    assert place_of("prod/teams/a/x.yaml", patterns).team == ""
