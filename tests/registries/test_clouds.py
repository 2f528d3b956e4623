"""Signing in to the registries of clouds, by each cloud's own library, on servers of what the
clouds document of their token exchanges. No key is stored anywhere."""

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from google.auth.compute_engine import _metadata

from imagebot import logs
from imagebot.cli.main import main
from imagebot.errors import RegistryError
from imagebot.image import Repository
from imagebot.registries import Keychain
from imagebot.registries.clouds import CLOUDS, Cloud, CloudIdentities, kept_seconds
from imagebot.registries.clouds.aws import region_of
from imagebot.registries.clouds.issuing import Exchange, Issued
from tests.registries.conftest import Client
from tests.servers.clouds import Aws, AzureRegistry, Entra, GoogleMetadata
from tests.servers.docker_registry import docker_registry, needs_docker_registry

WEB_IDENTITY = "ey-the-service-account-token-of-the-pod"
PASSWORD = "an-ecr-password-that-is-long-enough-to-be-one" * 4
GOOGLE_TOKEN = "ya29.google-access-token" * 4
ENTRA_TOKEN = "entra-access-token" * 4
ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No identity at all: neither this machine's files nor its variables, and no network."""
    for name in ("AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with Aws(PASSWORD, web_identity=WEB_IDENTITY, pod_token="pod-token") as running:
        for service in ("STS", "ECR", "ECR_PUBLIC"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://{running.host}")
        yield running


@pytest.fixture
def irsa(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    """What EKS puts into a pod whose service account names a role."""
    mounted = tmp_path / "token"
    mounted.write_text(WEB_IDENTITY)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(mounted))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/imagebot")
    return aws


@pytest.fixture
def pod_identity(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    """What EKS puts into a pod with a pod identity association."""
    mounted = tmp_path / "token"
    mounted.write_text("pod-token")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://{aws.host}/pod-identity")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(mounted))
    return aws


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleMetadata]:
    with GoogleMetadata(GOOGLE_TOKEN) as running:
        # The library reads this variable once, when it is imported.
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", running.host)
        monkeypatch.setenv("GCE_METADATA_IP", running.host)
        yield running


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Entra]:
    """What Microsoft Entra's webhook puts into a pod."""
    mounted = tmp_path / "azure-token"
    mounted.write_text(WEB_IDENTITY)
    with Entra(tmp_path, WEB_IDENTITY, ENTRA_TOKEN) as running:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://{running.host}")
        monkeypatch.setenv("AZURE_TENANT_ID", "tenant")
        monkeypatch.setenv("AZURE_CLIENT_ID", "client")
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(mounted))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca_file))
        yield running


@pytest.fixture
def azure_registry() -> Iterator[AzureRegistry]:
    with AzureRegistry(ENTRA_TOKEN) as running:
        running.add("team/api", "1.2.3")
        yield running


def keychain(host: str, cloud: str) -> Keychain:
    return Keychain(clouds=CloudIdentities(by_host={host: cloud}))


def no_exchange(path: str, form: object) -> bytes:
    raise AssertionError(f"nothing is exchanged at {path}")


@pytest.mark.parametrize("way", ["irsa", "pod_identity"])
def test_ecr_is_entered_by_the_identity_that_eks_gives_the_pod(
    way: str, request: pytest.FixtureRequest, client: Client, tmp_path: Path
) -> None:
    needs_docker_registry()
    aws = request.getfixturevalue(way)
    with docker_registry(tmp_path, users={"AWS": PASSWORD}) as ecr:
        registries = client(ecr.host, keychain=keychain(ecr.host, "aws"))
        asked = [Repository(ecr.host, f"team/app-{number}") for number in range(20)]
        answers = registries.list_many(asked)
    assert all("does not exist" in str(answer) for answer in answers.values())
    assert aws.issued == 1


def test_artifact_registry_is_entered_by_the_workload_identity_of_gke(
    google: GoogleMetadata, client: Client, tmp_path: Path
) -> None:
    needs_docker_registry()
    with docker_registry(tmp_path, users={"oauth2accesstoken": GOOGLE_TOKEN}) as gar:
        registries = client(gar.host, keychain=keychain(gar.host, "gcp"))
        with pytest.raises(RegistryError, match="does not exist"):
            registries.list_tags(Repository(gar.host, "project/images/api"))
    assert google.issued == 1


def test_an_azure_registry_is_entered_by_a_federated_token_of_the_pod(
    entra: Entra, azure_registry: AzureRegistry, client: Client
) -> None:
    host = azure_registry.host
    registries = client(host, keychain=keychain(host, "azure"))
    for _ in range(3):
        assert registries.list_tags(Repository(host, "team/api")).tags == ("1.2.3",)
    assert (entra.issued, azure_registry.exchanged) == (1, 1)


def test_a_cloud_is_asked_for_its_own_registries_only() -> None:
    owners = {
        ECR_HOST: "aws",
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com": "aws",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": "aws",
        "123456789012.dkr-ecr.eu-west-1.on.aws": "aws",
        "public.ecr.aws": "aws",
        "europe-west1-docker.pkg.dev": "gcp",
        "eu.gcr.io": "gcp",
        "acme.azurecr.io": "azure",
        "acme.azurecr.us": "azure",
        "ghcr.io": None,
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example": None,
        "evil-dkr.ecr.eu-west-1.amazonaws.com": None,
        "docker.pkg.dev.evil.example": None,
        "azurecr.io.evil.example": None,
    }
    for host, owner in owners.items():
        assert [name for name, cloud in CLOUDS.items() if cloud.serves(host)] == (
            [owner] if owner else []
        ), host


def test_the_region_is_read_from_the_host_and_else_from_the_environment() -> None:
    assert region_of(ECR_HOST) == "eu-west-1"
    assert region_of("public.ecr.aws", "eu-west-1") == "us-east-1"
    assert region_of("images.acme.example", "eu-central-1") == "eu-central-1"


def test_without_an_identity_the_error_names_registry_and_remedy(aws: Aws) -> None:
    with pytest.raises(RegistryError, match=ECR_HOST) as raised:
        CLOUDS["aws"].issue(ECR_HOST, no_exchange)
    assert "eks.amazonaws.com/role-arn" in raised.value.hint
    assert not raised.value.can_retry


def test_what_the_cloud_refuses_is_told_in_its_words_without_the_token(
    irsa: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    irsa.refuses = "AccessDeniedException"
    with pytest.raises(RegistryError, match=r"AccessDenied.* is not authorized"):
        CLOUDS["aws"].issue(ECR_HOST, no_exchange)
    (tmp_path / "token").write_text("another-token" * 10)
    with pytest.raises(RegistryError, match="InvalidIdentityToken") as raised:
        CLOUDS["aws"].issue(ECR_HOST, no_exchange)
    assert "another-token" not in str(raised.value)


def test_a_service_account_that_is_not_bound_is_a_matter_for_a_person(
    google: GoogleMetadata,
) -> None:
    google.is_bound = False
    with pytest.raises(RegistryError, match=r"europe-docker\.pkg\.dev") as raised:
        CLOUDS["gcp"].issue("europe-docker.pkg.dev", no_exchange)
    assert "artifactregistry.reader" in raised.value.hint


def test_an_identity_that_entra_does_not_know_is_told_with_its_code(
    entra: Entra, tmp_path: Path
) -> None:
    (tmp_path / "azure-token").write_text("a-token-of-another-cluster")
    with pytest.raises(RegistryError, match="AADSTS700213") as raised:
        CLOUDS["azure"].issue("acme.azurecr.io", no_exchange)
    assert "AcrPull" in raised.value.hint
    assert "a-token-of-another-cluster" not in str(raised.value)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"refresh_token": 7}', b'{"refresh_token": ""}', b"[" * 9000]
)
def test_a_registry_that_exchanges_nothing_is_refused(answer: bytes, entra: Entra) -> None:
    with pytest.raises(RegistryError, match="did not answer with a refresh token"):
        CLOUDS["azure"].issue("acme.azurecr.io", lambda path, form: answer)


def test_an_exchange_that_the_registry_refuses_says_what_is_missing(
    entra: Entra, client: Client
) -> None:
    with AzureRegistry("the-token-of-somebody-else") as registry:
        registries = client(registry.host, keychain=keychain(registry.host, "azure"))
        with pytest.raises(RegistryError, match="401 at /oauth2/exchange") as raised:
            registries.list_tags(Repository(registry.host, "team/api"))
    assert "AcrPull" in raised.value.hint
    assert ENTRA_TOKEN not in str(raised.value)


def test_a_cloud_that_does_not_answer_may_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, irsa: Aws
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    with pytest.raises(RegistryError) as raised:
        CLOUDS["aws"].issue(ECR_HOST, no_exchange)
    assert raised.value.can_retry


def test_no_secret_of_a_cloud_is_logged_even_when_everything_is(
    irsa: Aws, entra: Entra, google: GoogleMetadata, azure_registry: AzureRegistry
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("plain", "DEBUG", stream)
    try:
        host = azure_registry.host
        found = [
            CLOUDS["aws"].issue(ECR_HOST, no_exchange),
            CLOUDS["gcp"].issue("gcr.io", no_exchange),
            CLOUDS["azure"].issue(host, lambda p, f: b'{"refresh_token": "acr-refresh-token"}'),
        ]
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    secrets = [each.credentials.password.reveal() for each in found]
    for secret in (*secrets, WEB_IDENTITY, "irsasecret", "irsasession", ENTRA_TOKEN):
        assert secret not in stream.getvalue()


def test_credentials_are_asked_for_again_before_they_expire_and_a_failure_after_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert kept_seconds(12 * 3600) == 6 * 3600
    assert kept_seconds(3600) == 3300
    assert kept_seconds(60) == 45
    assert kept_seconds(-5) == 1


def test_each_poll_of_a_host_asks_its_cloud_once_whoever_asks_first() -> None:
    asked: list[str] = []

    def issue(host: str, exchange: Exchange) -> Issued:
        asked.append(host)
        raise RegistryError("no")

    clouds = CloudIdentities(["x"], clouds={"x": Cloud(lambda host: True, issue)})
    for _ in range(5):
        with pytest.raises(RegistryError, match="no"):
            clouds.get("a.example", no_exchange)
    assert asked == ["a.example"]


def test_what_the_settings_name_comes_before_the_identity(client: Client) -> None:
    def never(host: str, exchange: Exchange) -> Issued:
        raise AssertionError("asked")

    clouds = CloudIdentities(["x"], clouds={"x": Cloud(lambda host: True, never)})
    ours = Keychain(helpers={"a.example": "not-installed"}, clouds=clouds)
    with pytest.raises(RegistryError, match="not-installed"):
        ours.find(Repository("a.example", "x"))


def test_the_settings_name_the_clouds_and_explain_lists_the_tags(
    entra: Entra,
    azure_registry: AzureRegistry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    host = azure_registry.host
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\n"
        f"dataDir: {tmp_path / 'data'}\ncloudIdentity: [aws, gcp]\n"
        f"registries: [{{host: '{host}', insecure: true, internal: true, identity: azure}}]\n"
    )
    azure_registry.add("team/api", "1.2.4")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "imagebot.yaml").write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: api}\n"
        f"spec: {{images: ['{host}/team/api'], tags: {{allow: patch}}}}\n"
    )
    code = main(["explain", f"{host}/team/api:1.2.3", str(tree), "--settings", str(settings)])
    assert (code, azure_registry.exchanged) == (0, 1)
    assert "1.2.4" in capsys.readouterr().out
