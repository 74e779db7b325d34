"""A certificate of one's own for TLS, made at its first use. Nobody has signed it but itself."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import socket
import ssl
from pathlib import Path

from servers.kit.errors import LabError

DAYS = 825
"""How long it is valid; clients dislike longer ones."""


def certificate(folder: Path, names: tuple[str, ...]) -> tuple[Path, Path]:
    """The files with the certificate and its key, made if they are missing. LabError if they cannot be."""
    found, key = folder / "certificate.pem", folder / "key.pem"
    if not (found.exists() and key.exists()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _make(found, key, names)
        except OSError as error:
            raise LabError(f"No certificate can be kept in {folder}: {error.strerror}.") from None
    return found, key


def context(folder: Path, names: tuple[str, ...]) -> ssl.SSLContext:
    """A server's side of TLS with that certificate."""
    found, key = certificate(folder, names)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(found, key)
    return made


def fingerprint(path: Path) -> str:
    """The SHA-256 of a certificate as people compare it: ``3A:0F:…``."""
    der = ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


def _make(found: Path, key: Path, names: tuple[str, ...]) -> None:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise LabError("TLS needs a library: pip install -r requirements.txt. Or turn it off.") from None
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.timezone.utc)
    hosts: list[x509.GeneralName] = [
        x509.DNSName(word) for word in (*names, "localhost", socket.gethostname())
    ]
    hosts += [x509.IPAddress(ipaddress.ip_address(word)) for word in ("127.0.0.1", "::1")]
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = key.with_suffix(f".{os.getpid()}")
    draft.touch(0o600)
    draft.write_bytes(secret)
    os.replace(draft, key)
    draft = found.with_suffix(f".{os.getpid()}")
    draft.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    os.replace(draft, found)
