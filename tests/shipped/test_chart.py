"""The chart, rendered by helm over a matrix of values, against the schemas of what it makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from imagebot import settings
from imagebot.cli.main import parser
from tests.shipped import alerts, kinds, pod_security, rendered
from tests.shipped.tools import run, tool
from tests.shipped.values import CHART

REPOSITORY = {
    "name": "config",
    "url": "https://github.com/acme/config.git",
    "forge": {"type": "github", "tokenFile": "/run/secrets/imagebot/github-token"},
}
POSTGRESQL = {"replicas": 3, "store": {"postgresql": {"secretName": "imagebot-store"}}}
FULL: dict[str, Any] = {
    "image": {"repository": "registry.example.com:5000/imagebot", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "settings": {
        "interval": "10m",
        "author": {"name": "imagebot", "email": "imagebot@acme.example"},
        "repositories": [REPOSITORY],
        "registries": [{"host": "registry.example.com", "internal": True}],
    },
    "secretName": "imagebot",
    "persistence": {"size": "1Gi", "storageClassName": "fast"},
    "graceSeconds": 55,
    "logs": {"format": "plain", "level": "DEBUG"},
    "serviceAccount": {"name": "bot", "annotations": {"example.com/role": "none"}},
    "extraCA": {"configMapName": "ca"},
    "service": {"type": "NodePort", "port": 80, "annotations": {"example.com/a": "b"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "host": "hooks.acme.example",
        "tlsSecretName": "hooks-tls",
        "annotations": {"example.com/a": "b"},
    },
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "egressPorts": [443, 8443],
        "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
    },
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "metricRelabelings": [{"action": "labeldrop", "regex": "pod"}],
    },
    "prometheusRule": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "alertLabels": {"team": "platform"},
        "disabled": ["ImagebotSlow"],
        "extraRules": [{"alert": "Mine", "expr": "vector(1)"}],
    },
    "grafanaDashboard": {"enabled": True, "annotations": {"grafana_folder": "GitOps"}},
    "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "extraEnv": [
        {"name": "GITLAB", "valueFrom": {"secretKeyRef": {"name": "gitlab", "key": "token"}}}
    ],
    "extraEnvFrom": [{"secretRef": {"name": "more"}}],
    "extraVolumes": [{"name": "more", "secret": {"secretName": "more"}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more", "readOnly": True}],
    "extraArgs": ["--log-format=json"],
    "annotations": {"example.com/owner": "platform"},
    "podAnnotations": {"example.com/team": "platform"},
    "podLabels": {"team": "platform"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    ],
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["git.acme.example"]}],
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "probes": {"timeoutSeconds": 2, "startupSeconds": 600},
    "extraObjects": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": '{{ include "imagebot.fullname" . }}-extra'},
        }
    ],
}
MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything set": FULL,
    "everything set, with PostgreSQL": {**FULL, **POSTGRESQL},
    "PostgreSQL, several replicas": POSTGRESQL,
    "PostgreSQL, none": {**POSTGRESQL, "replicas": 0},
    "no volume": {"persistence": {"enabled": False}, "scratch": {"sizeLimit": "1Gi"}},
    "a claim that exists": {"persistence": {"existingClaim": "mine"}},
    "on AWS": {"cloud": {"aws": {"roleArn": "arn:aws:iam::123456789012:role/imagebot"}}},
    "on Google Cloud": {
        "cloud": {"gcp": {"serviceAccount": "imagebot@acme.iam.gserviceaccount.com"}},
        "networkPolicy": {"enabled": True},
    },
    "on Azure": {"cloud": {"azure": {"clientId": "00000000-0000-0000-0000-000000000000"}}},
    "an account that exists": {"serviceAccount": {"create": False, "name": "mine"}},
    "no account": {"serviceAccount": {"create": False}},
    "bare": {
        "crds": {"install": False},
        "rolloutOnChange": False,
        "resources": {"requests": None, "limits": None},
        "podDisruptionBudget": {"enabled": False},
    },
    "names": {"nameOverride": "bot", "fullnameOverride": "b" * 52},
}
every_value = pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)


def test_the_chart_passes_helm_lint() -> None:
    done = run(tool("helm"), "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


@every_value
def test_the_chart_makes_valid_objects(values: dict[str, Any], tmp_path: Path) -> None:
    assert not kinds.problems(rendered.objects(values, tmp_path))


@every_value
def test_the_pod_meets_the_restricted_standard(values: dict[str, Any], tmp_path: Path) -> None:
    pod = rendered.pod(rendered.objects(values, tmp_path))
    assert not pod_security.violations(pod)
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False


@every_value
def test_imagebot_takes_the_settings_that_the_chart_writes(
    values: dict[str, Any], tmp_path: Path
) -> None:
    source = rendered.settings_file(rendered.objects(values, tmp_path))
    _, problems = settings.check("settings.yaml", source)
    assert not problems


@every_value
def test_imagebot_takes_the_options_and_variables_of_the_pod(
    values: dict[str, Any], tmp_path: Path
) -> None:
    container = rendered.pod(rendered.objects(values, tmp_path))["containers"][0]
    parser().parse_args(container["args"])
    names = [each["name"] for each in container["env"] if each["name"].startswith("IMAGEBOT_")]
    assert set(names) <= settings.VARIABLES.keys()


@every_value
def test_the_chart_gives_no_rights_and_makes_no_secret(
    values: dict[str, Any], tmp_path: Path
) -> None:
    made = {document["kind"] for document in rendered.objects(values, tmp_path)}
    rights = {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}
    assert not made & {"Secret", *rights}


@every_value
def test_what_the_pod_mounts_is_among_its_volumes(values: dict[str, Any], tmp_path: Path) -> None:
    documents = rendered.objects(values, tmp_path)
    pod, workload = rendered.pod(documents), rendered.workload(documents)
    claims = workload["spec"].get("volumeClaimTemplates", ())
    volumes = [volume["name"] for volume in pod["volumes"]]
    volumes += [claim["metadata"]["name"] for claim in claims]
    assert len(volumes) == len(set(volumes))
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == set(volumes)


@every_value
def test_every_selector_finds_the_pod(values: dict[str, Any], tmp_path: Path) -> None:
    documents = rendered.objects(values, tmp_path)
    labels = rendered.workload(documents)["spec"]["template"]["metadata"]["labels"].items()
    for document in documents:
        spec = document.get("spec", {})
        selector = spec.get("podSelector") or spec.get("selector") or {}
        chosen = selector.get("matchLabels", selector)
        if document["kind"] != "ServiceMonitor":  # which selects the Service
            assert chosen.items() <= labels, document["kind"]


def test_every_value_is_in_the_matrix_with_another_than_its_default() -> None:
    """So that no template of the chart goes unrendered."""
    told = set().union(*(_paths(values) for values in MATRIX.values()))
    template_values = set(json.loads((CHART / "values.schema.json").read_text())["properties"])
    own = template_values - {"global", "initContainers", "sidecars"}
    assert own <= {path.partition(".")[0] for path in told}


def _paths(values: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for key, value in values.items():
        found.add(f"{prefix}{key}")
        if isinstance(value, dict):
            found |= _paths(value, f"{prefix}{key}.")
    return found


def test_a_pod_that_breaks_the_standard_is_seen() -> None:
    """Or the checks above would prove nothing."""
    good = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "c", "securityContext": own}
    assert not pod_security.violations({"securityContext": good, "containers": [container]})
    for pod, words in (
        ({"containers": [container]}, "c may run as root, c has no seccomp profile"),
        ({"securityContext": good, "containers": [{"name": "c"}]}, "privileges, capabilities"),
        ({"securityContext": good, "initContainers": [{"name": "i"}]}, "i may gain, i keeps"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume v is a hostPath"),
        ({"hostNetwork": True}, "hostNetwork is set"),
        (
            {
                "securityContext": good,
                "containers": [{"name": "c", "securityContext": {**own, "privileged": True}}],
            },
            "c is privileged",
        ),
        ({"securityContext": {**good, "runAsUser": 0}, "containers": [container]}, "runs as root"),
    ):
        found = ", ".join(pod_security.violations(pod))
        assert all(word in found for word in words.split(", ")), found


def test_an_object_that_breaks_its_schema_is_seen() -> None:
    monitor = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "m"},
        "spec": {"selector": {}, "endpoints": [{"port": 7}]},
    }
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"x": 1}}
    unknown = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}
    said = "\n".join(kinds.problems([monitor, service, unknown]))
    assert "ServiceMonitor m" in said
    assert "Service s" in said
    assert "Thing t" in said


# What belongs together


def test_secrets_come_by_reference_only(tmp_path: Path) -> None:
    volumes = rendered.pod(rendered.objects({**FULL, **POSTGRESQL}, tmp_path))["volumes"]
    names = {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
    assert names == {"imagebot", "imagebot-store", "more"}


def test_a_change_of_the_settings_rolls_the_pod_unless_it_is_told_not_to(tmp_path: Path) -> None:
    def checksum(values: dict[str, Any]) -> str | None:
        workload = rendered.workload(rendered.objects(values, tmp_path))
        found: dict[str, str] = workload["spec"]["template"]["metadata"]["annotations"]
        return found.get("checksum/settings")

    changed = {"settings": {"interval": "7m"}}
    assert checksum({}) == checksum({"service": {"port": 81}})
    assert checksum({}) != checksum(changed)
    assert checksum({"rolloutOnChange": False}) is None


def test_one_process_owns_the_file_and_several_share_the_database(tmp_path: Path) -> None:
    alone = rendered.objects({}, tmp_path)
    shared = rendered.objects(POSTGRESQL, tmp_path)
    assert rendered.only(alone, "StatefulSet")["spec"]["replicas"] == 1
    assert rendered.only(shared, "Deployment")["spec"]["replicas"] == 3
    budget = rendered.only(shared, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget" not in {each["kind"] for each in alone}


def test_only_hooks_are_let_in_from_outside(tmp_path: Path) -> None:
    (rule,) = rendered.only(rendered.objects(FULL, tmp_path), "Ingress")["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/hooks"]


def test_what_the_pod_is_to_each_cloud(tmp_path: Path) -> None:
    for values, annotation in (
        (MATRIX["on AWS"], "eks.amazonaws.com/role-arn"),
        (MATRIX["on Google Cloud"], "iam.gke.io/gcp-service-account"),
        (MATRIX["on Azure"], "azure.workload.identity/client-id"),
    ):
        documents = rendered.objects(values, tmp_path)
        assert annotation in rendered.only(documents, "ServiceAccount")["metadata"]["annotations"]
        labels = rendered.only(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
        assert ("azure.workload.identity/use" in labels) == (values is MATRIX["on Azure"])


def test_the_pod_has_more_time_to_stop_than_imagebot_takes(tmp_path: Path) -> None:
    pod = rendered.pod(rendered.objects(FULL, tmp_path))
    assert "--grace=55s" in pod["containers"][0]["args"]
    assert pod["terminationGracePeriodSeconds"] == 65


def test_alerts_can_be_left_out_and_added(tmp_path: Path) -> None:
    (group,) = rendered.only(rendered.objects(FULL, tmp_path), "PrometheusRule")["spec"]["groups"]
    made = {rule["alert"]: rule for rule in group["rules"]}
    written = {rule["alert"]: rule for rule in alerts.rules()}
    assert made.keys() == written.keys() - {"ImagebotSlow"} | {"Mine"}
    assert made["ImagebotDown"]["labels"] == {"severity": "critical", "team": "platform"}
    for name in made.keys() - {"Mine"}:
        assert made[name]["expr"] == written[name]["expr"]
        assert made[name]["annotations"] == written[name]["annotations"]


def test_two_releases_in_one_namespace_do_not_meet(tmp_path: Path) -> None:
    values = {**FULL, **POSTGRESQL, "crds": {"install": False}, "serviceAccount": {"name": ""}}
    named = [
        {
            (each["kind"], each["metadata"]["name"])
            for each in rendered.objects(values, tmp_path, release)
        }
        for release in ("one", "two")
    ]
    assert not named[0] & named[1]


@pytest.mark.parametrize(
    "values",
    [
        {"replicaCount": 2},
        {"replicas": 2},
        {"image": {"repository": "imagebot", "digest": "latest"}},
        {"image": {"repository": "imagebot", "tag": "1:0"}},
        {"settings": {"repositories": [{"url": "https://example.com/config.git"}]}},
        {"settings": {"repositories": [{**REPOSITORY, "intervall": "5m"}]}},
        {"settings": {"repositories": [{**REPOSITORY, "forge": {"token": "secret"}}]}},
        {"settings": {"listen": "0.0.0.0:9"}},
        {"settings": {"store": {"url": "sqlite:////tmp/store"}}},
        {"settings": {"jitter": 2}},
        {"service": {"port": 0}},
        {"ingress": {"enabled": True}},
        {"cloud": {"aws": {"roleArn": "imagebot"}}},
        {"serviceMonitor": {"interval": "often"}},
    ],
    ids=str,
)
def test_the_chart_refuses_wrong_values(values: dict[str, Any], tmp_path: Path) -> None:
    done = rendered.template(values, tmp_path)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "values"),
    [
        ("fullnameOverride", {"fullnameOverride": "ImageBot"}),
        ("fullnameOverride", {"fullnameOverride": "b" * 53}),
        ("fullnameOverride", {"fullnameOverride": "image.bot"}),
        ("nameOverride", {"nameOverride": "b" * 64}),
        ("nameOverride", {"nameOverride": "bot-"}),
        ("podLabels.team", {"podLabels": {"team": "platform team"}}),
        ("podLabels.team", {"podLabels": {"team": "p" * 64}}),
        ("podLabels", {"podLabels": {"my team": "platform"}}),
        ("podLabels", {"podLabels": {"app.kubernetes.io/name": "another"}}),
        ("podLabels.team", {"podLabels": {"team": 7}}),
        ("nodeSelector.zone", {"nodeSelector": {"zone": "-"}}),
        ("serviceMonitor.labels.release", {"serviceMonitor": {"labels": {"release": "a/b"}}}),
        ("podAnnotations", {"podAnnotations": {"a b": "c"}}),
        ("ingress.annotations", {"ingress": {"annotations": {"/a": "b"}}}),
        (
            "service.annotations.example.com/a",
            {"service": {"annotations": {"example.com/a": True}}},
        ),
        ("prometheusRule.disabled.0", {"prometheusRule": {"disabled": ["ImagebotSlwo"]}}),
        (
            "prometheusRule.alertLabels",
            {"prometheusRule": {"alertLabels": {"my-team": "platform"}}},
        ),
        (
            "prometheusRule.extraRules.0.expr",
            {"prometheusRule": {"extraRules": [{"alert": "Mine", "expr": ["up"]}]}},
        ),
        (
            "prometheusRule.extraRules.0.for",
            {"prometheusRule": {"extraRules": [{"alert": "Mine", "expr": "up", "for": 5}]}},
        ),
        ("prometheusRule.extraRules.0", {"prometheusRule": {"extraRules": [{"expr": "up == 0"}]}}),
        ("settings.interval", {"settings": {"interval": "5x"}}),
        ("settings.interval", {"settings": {"interval": ""}}),
        ("settings.polling.max", {"settings": {"polling": {"max": "an hour"}}}),
        (
            "settings.repositories.0.name",
            {"settings": {"repositories": [{**REPOSITORY, "name": ""}]}},
        ),
        (
            "settings.repositories.0.name",
            {"settings": {"repositories": [{**REPOSITORY, "name": "a b"}]}},
        ),
        (
            "settings.repositories.0.url",
            {"settings": {"repositories": [{**REPOSITORY, "url": ""}]}},
        ),
    ],
    ids=str,
)
def test_the_chart_says_which_value_kubernetes_or_prometheus_would_refuse(
    wrong: str, values: dict[str, Any], tmp_path: Path
) -> None:
    done = rendered.template(values, tmp_path)
    assert done.returncode != 0
    assert f"- {wrong}: " in done.stderr


# Without the kinds, which are long: so often they would be most of the test's time.
NULLED = {**FULL, "crds": {"install": False}}


def _nullable() -> Iterator[tuple[str, ...]]:
    """Each key of values.yaml; but not what is below mappings that are the user's."""
    defaults = YAML(typ="safe", pure=True).load(CHART / "values.yaml")
    for key, value in defaults.items():
        yield (key,)
        if isinstance(value, dict) and key not in ("resources", "settings"):
            yield from ((key, inner) for inner in value)


def _without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    (key, *rest) = path
    inner = values.get(key)
    if rest:
        below = inner if isinstance(inner, dict) else {}
        return {**values, key: _without(below, tuple(rest))}
    return {**values, key: None}


@pytest.mark.parametrize("values", [NULLED, {**NULLED, **POSTGRESQL}], ids=["a file", "PostgreSQL"])
def test_a_value_that_is_null_is_left_out_or_asked_for_by_name(
    values: dict[str, Any], tmp_path: Path
) -> None:
    """In helm `key: null` takes the chart's default away, as a key with nothing below it does."""
    documents: dict[str, dict[str, Any]] = {}
    for path in _nullable():
        done = rendered.template(_without(values, path), tmp_path)
        if done.returncode:
            said = (f"{path[-1]} is required", "replicas: Must be")  # a file has one owner
            assert any(words in done.stderr for words in said), (path, done.stderr)
            continue
        made = rendered.read(done.stdout)
        assert rendered.pod(made)["automountServiceAccountToken"] is False
        documents |= {json.dumps(each): each for each in made}
    assert not kinds.problems(list(documents.values()))
