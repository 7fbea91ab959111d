"""Issues COUNT certificates with the Python package cryptography: key, CSR, proof of possession, signature, two files."""

import datetime
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ca_folder, out, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.path.join(ca_folder, "issuing.pem"), "rb") as file:
    ca = x509.load_pem_x509_certificate(file.read())
with open(os.path.join(ca_folder, "issuing.key"), "rb") as file:
    ca_key = serialization.load_pem_private_key(file.read(), None)
authority_key_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
    ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
)
now = datetime.datetime.now(datetime.timezone.utc)

for index in range(count):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "s1"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"p{index}"),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    request = x509.load_der_x509_csr(request.public_bytes(serialization.Encoding.DER))
    if not request.is_signature_valid:
        sys.exit("the request proves nothing")
    public_key = request.public_key()
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ca.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority_key_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.path.join(out, f"p{index}.key"), "wb") as file:
        file.write(pem)
    with open(os.path.join(out, f"p{index}.pem"), "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
