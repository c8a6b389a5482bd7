"""TLS for listeners: what cannot be used is named, with advice."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from bridge.errors import BridgeError
from bridge.net import ServerTls, server_context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Path]:
    issued = authority.issue_cert("localhost")
    made = {name: tmp_path / name for name in ("certificate", "key", "both", "authority")}
    issued.cert_chain_pems[0].write_to_path(made["certificate"])
    issued.private_key_pem.write_to_path(made["key"])
    issued.private_key_and_cert_chain_pem.write_to_path(made["both"])
    authority.cert_pem.write_to_path(made["authority"])
    return made


def test_certificate_and_key_may_be_one_file_or_two(files: dict[str, Path]) -> None:
    server_context(ServerTls(certificate=files["both"]))
    server_context(ServerTls(certificate=files["certificate"], key=files["key"]))


def test_1_2_is_the_lowest_version_unless_1_3_is_wanted(files: dict[str, Path]) -> None:
    context = server_context(ServerTls(certificate=files["both"]))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_NONE
    newest = server_context(ServerTls(certificate=files["both"], minimum="1.3"))
    assert newest.minimum_version is ssl.TLSVersion.TLSv1_3


def test_clients_can_be_asked_for_a_certificate(files: dict[str, Path]) -> None:
    config = ServerTls(certificate=files["both"], verify_clients=files["authority"])
    assert server_context(config).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("name", ["certificate", "authority", "none"])
def test_what_does_not_belong_together_is_named(files: dict[str, Path], name: str) -> None:
    path = files.get(name, files["key"].parent / name)
    with pytest.raises(ValidationError, match=f"the certificate {path} .* cannot be used: "):
        ServerTls(certificate=path)


def test_an_encrypted_key_is_an_error_and_no_question(
    files: dict[str, Path], authority: trustme.CA, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(files["key"].read_bytes(), None)
    locked = tmp_path / "locked"
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"words"))
    )
    with pytest.raises(ValidationError, match="without a pass phrase"):
        ServerTls(certificate=files["certificate"], key=locked)


def test_a_file_without_authorities_is_named(files: dict[str, Path]) -> None:
    with pytest.raises(ValidationError, match=f"verify_clients: {files['key']} cannot be used"):
        ServerTls(certificate=files["both"], verify_clients=files["key"])


def test_a_file_that_goes_later_is_named_then(files: dict[str, Path]) -> None:
    config = ServerTls(certificate=files["both"])
    files["both"].unlink()
    with pytest.raises(BridgeError, match=f"the certificate {files['both']} .* cannot be used: "):
        server_context(config)
