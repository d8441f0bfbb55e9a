"""A certificate authority and a server certificate per cluster, kept in the cluster's folder."""

import datetime as dt
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS, SERVER_DAYS, RENEW_DAYS = 3650, 1825, 60
NAMES: list[x509.GeneralName] = [
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
]

Key = ec.EllipticCurvePrivateKey


def ensure(folder: Path, name: str) -> None:
    """Writes ca.crt, ca.key, tls.crt and tls.key unless they stand there and last long enough."""
    if not (folder / "ca.crt").exists():
        _write_authority(folder, name, prefix="ca")
    if not _lasts(folder / "tls.crt"):
        issue(folder, authority="ca", prefix="tls", days=SERVER_DAYS)


def server_context() -> ssl.SSLContext:
    """Without a certificate yet: `show` gives it one, and may give it another while it serves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    return context


def show(context: ssl.SSLContext, folder: Path, which: str) -> None:
    """New connections see the certificate `valid`, `wrong_ca` or `expired`."""
    prefix = {"valid": "tls", "wrong_ca": "wrong", "expired": "expired"}[which]
    if which == "wrong_ca" and not (folder / "wrong.crt").exists():
        _write_authority(folder, "somebody else", prefix="wrong-ca")
        issue(folder, authority="wrong-ca", prefix="wrong", days=SERVER_DAYS)
    if which == "expired" and not (folder / "expired.crt").exists():
        issue(folder, authority="ca", prefix="expired", days=-1)
    context.load_cert_chain(folder / f"{prefix}.crt", folder / f"{prefix}.key")


def issue(folder: Path, *, authority: str, prefix: str, days: int) -> None:
    """A server certificate for this machine, valid for `days` from now; expired when negative."""
    ca = x509.load_pem_x509_certificate((folder / f"{authority}.crt").read_bytes())
    ca_key = serialization.load_pem_private_key((folder / f"{authority}.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        _builder("kube-apiserver", key, days)
        .issuer_name(ca.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .add_extension(usage, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(folder, prefix, certificate, key)


def _write_authority(folder: Path, name: str, *, prefix: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(f"{name} CA", key, CA_DAYS)
    certificate = (
        builder.issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signing_only(), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(folder, prefix, certificate, key)


def _builder(name: str, key: Key, days: int) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=max(1, 30 - days)))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _lasts(path: Path) -> bool:
    if not path.exists():
        return False
    left = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc - dt.datetime.now(dt.UTC)
    return left > dt.timedelta(days=RENEW_DAYS)


def _write(folder: Path, prefix: str, certificate: x509.Certificate, key: Key) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(folder / f"{prefix}.key", secret)
    (folder / f"{prefix}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def write_private(path: Path, content: bytes) -> None:
    """Readable by its owner alone, and never seen half written."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)
