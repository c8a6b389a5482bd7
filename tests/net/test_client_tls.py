"""TLS contexts of clients: safe without options, and files that cannot be used are named."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from bridge.errors import BridgeError
from bridge.net.client_tls import ClientTls, client_context


def test_without_options_certificate_and_name_are_checked() -> None:
    context = client_context(ClientTls())
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_lowest_version_can_be_raised() -> None:
    assert client_context(ClientTls(minimum="1.3")).minimum_version is ssl.TLSVersion.TLSv1_3


def test_checks_are_off_only_when_that_is_said() -> None:
    assert client_context(ClientTls(verify=False)).verify_mode is ssl.CERT_NONE


def test_a_client_certificate_is_loaded_from_one_file_or_two(tmp_path: Path) -> None:
    made = trustme.CA().issue_cert("bridge.example.org")
    both, certificate, key = (tmp_path / name for name in ("both.pem", "cert.pem", "key.pem"))
    made.private_key_and_cert_chain_pem.write_to_path(both)
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    client_context(ClientTls(certificate=both))
    client_context(ClientTls(certificate=certificate, key=key))


@pytest.mark.parametrize("option", ["authorities", "certificate"])
@pytest.mark.parametrize("content", [None, "", "no PEM at all"])
def test_a_file_that_cannot_be_used_is_named(
    option: str, content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValidationError, match=str(file)):
        ClientTls.model_validate({option: file})


def test_a_file_that_goes_later_is_named_then(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    config = ClientTls(authorities=file)
    file.unlink()
    with pytest.raises(BridgeError, match=f"authorities: {file} cannot be used: "):
        client_context(config)
