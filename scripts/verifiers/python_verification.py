"""Path validation by `cryptography` (RFC 5280 and the profile of the CA/Browser Forum), and the CRL as it reads it."""
import sys
from datetime import datetime, timezone

from cryptography import x509
from cryptography.x509 import verification

root, issuing, crl, _, _, role, certificate, _ = sys.argv[1:]


def read(path):
    with open(path, 'rb') as file:
        return file.read()


(authority,) = x509.load_pem_x509_certificates(read(root))
(issuer,) = x509.load_pem_x509_certificates(read(issuing))
leaf, *chain = x509.load_pem_x509_certificates(read(certificate))
builder = verification.PolicyBuilder().store(verification.Store([authority])).time(datetime.now(timezone.utc))
try:
    if role == 'server':
        builder.build_server_verifier(x509.DNSName('localhost')).verify(leaf, chain)
    else:
        # a device is named by its subject, where the default policy for clients wants an alternative name
        if hasattr(verification, 'ExtensionPolicy'):
            ca = verification.ExtensionPolicy.webpki_defaults_ca()
            ee = verification.ExtensionPolicy.permit_all().require_present(
                x509.ExtendedKeyUsage, verification.Criticality.AGNOSTIC, None
            )
            builder = builder.extension_policies(ca_policy=ca, ee_policy=ee)
        builder.build_client_verifier().verify(leaf, chain)
except verification.VerificationError as error:
    sys.exit(str(error))
listed = x509.load_pem_x509_crl(read(crl))
if listed.issuer != leaf.issuer or not listed.is_signature_valid(issuer.public_key()):
    sys.exit('the CRL is not by the issuer')
if listed.get_revoked_certificate_by_serial_number(leaf.serial_number) is not None:
    sys.exit('revoked: the CRL has its serial')
