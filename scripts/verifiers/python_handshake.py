"""A TLS handshake in memory: the server verifies a client's certificate, or the client the server's, strictly and with the CRL."""
import ssl
import sys

root, issuing, crl, server_certificate, server_key, role, certificate, key = sys.argv[1:]


def verifying(protocol):
    context = ssl.SSLContext(protocol)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(root)
    context.load_verify_locations(crl)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_LEAF
    return context


server = verifying(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(server_certificate, server_key)
client = verifying(ssl.PROTOCOL_TLS_CLIENT)
if role == 'client':
    client.load_cert_chain(certificate, key)
else:
    server.verify_mode = ssl.CERT_NONE

to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
ends = [
    server.wrap_bio(to_server, to_client, server_side=True),
    client.wrap_bio(to_client, to_server, server_hostname='localhost'),
]
waiting = list(ends)
# each round answers all that is there; a TLS handshake has three
for _ in range(10):
    for end in list(waiting):
        try:
            end.do_handshake()
            waiting.remove(end)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            sys.exit(str(error))
if waiting:
    sys.exit('the handshake did not end')
