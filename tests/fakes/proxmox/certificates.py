"""The cluster's authority and the certificate of each node that it signs."""

import ssl
import subprocess

SUBJECTS = {"ca": "/CN=Proxmox Virtual Environment/OU=fake/O=PVE Cluster Manager CA",
            "node": "/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={name}"}
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True).stdout


def make_authority(folder):
    """The authority's certificate; its key lies beside it."""
    cert, key = folder / "pve-root-ca.pem", folder / "pve-root-ca.key"
    if not cert.exists():
        openssl("req", "-x509", *KEY, "-subj", SUBJECTS["ca"], "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout", key, "-out", cert)
        key.chmod(0o600)
    return cert


def make_node(authority, name):
    """(certificate, key) of a node, valid for this machine's loopback."""
    folder = authority.parent
    cert, key = folder / f"pve-ssl-{name}.pem", folder / f"pve-ssl-{name}.key"
    if not cert.exists():
        openssl("req", "-x509", *KEY, "-CA", authority, "-CAkey", authority.with_suffix(".key"), "-subj",
                SUBJECTS["node"].format(name=name), "-addext", f"subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:{name}",
                "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert)
        key.chmod(0o600)
    return cert, key


def context(authority, name):
    """(what a node's server needs, its certificate)."""
    cert, key = make_node(authority, name)
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(cert, key)
    return found, cert


def fingerprint(cert):
    return openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256").strip().partition("=")[2]


def told(cert, filename):
    """As the API tells a certificate."""
    text = openssl("x509", "-in", cert, "-noout", "-subject", "-issuer", "-nameopt", "compat", "-startdate", "-enddate")
    found = dict(line.split("=", 1) for line in text.splitlines())
    return {"filename": filename, "fingerprint": fingerprint(cert), "subject": found["subject"].strip(),
            "issuer": found["issuer"].strip(), "notbefore": int(ssl.cert_time_to_seconds(found["notBefore"])),
            "notafter": int(ssl.cert_time_to_seconds(found["notAfter"])), "pem": cert.read_text(),
            "public-key-type": "id-ecPublicKey", "public-key-bits": 256}
