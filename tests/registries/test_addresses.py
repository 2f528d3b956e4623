import ipaddress
import socket

import pytest

from imagebot.errors import RegistryError
from imagebot.registries.addresses import Unreachable, checked, lookup, refusal
from tests.servers.registry import NO_SUCH_HOST


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "fd00:ec2::254",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "240.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_no_registry_may_have_a_metadata_link_local_or_odd_address(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), is_internal=True)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "::1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "fd12:3456::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
    ],
)
def test_only_internal_registries_may_have_a_private_or_loopback_address(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), is_internal=False)
    assert not refusal(ipaddress.ip_address(text), is_internal=True)


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_any_registry_may_have_a_public_address(text: str) -> None:
    assert not refusal(ipaddress.ip_address(text), is_internal=False)


def test_a_private_address_is_refused_with_the_setting_that_would_allow_it() -> None:
    with pytest.raises(RegistryError, match="private or loopback") as refused:
        lookup("localhost", 80, is_internal=False, timeout=5)
    assert "internal: true" in refused.value.hint


def test_a_name_with_one_address_that_is_not_allowed_is_refused_whole() -> None:
    answers = [
        (socket.AF_INET, ("93.184.215.14", 443)),
        (socket.AF_INET, ("169.254.169.254", 443)),
    ]
    for order in (answers, answers[::-1]):
        with pytest.raises(RegistryError, match=r"registry\.example \(169\.254\.169\.254\)"):
            checked("registry.example", order, is_internal=True)


def test_every_address_of_a_name_is_given_back() -> None:
    assert "127.0.0.1" in {
        place.address[0] for place in lookup("localhost", 80, is_internal=True, timeout=5)
    }


def test_a_text_that_is_no_host_name_cannot_be_resolved() -> None:
    with pytest.raises(Unreachable, match="could not be resolved"):
        lookup(NO_SUCH_HOST, 80, is_internal=True, timeout=5)
