#!/bin/sh
# A device that enrols and renews itself over EST (RFC 7030) with curl and openssl alone.
#
#   sh enroll-with-curl.sh enroll https://ca.acme.example:8443 root.pem pump-12 pump-12.token
#   sh enroll-with-curl.sh renew  https://ca.acme.example:8443 root.pem pump-12
#
# root.pem is the root of the authority: nothing else is trusted. Makes NAME.key and NAME.pem (certificate, then issuing CA) in
# this folder; renewing puts a new pair in their place. The key never leaves the device.
set -eu
umask 077
verb=$1 url=$2/.well-known/est root=$3 name=$4
work=$(mktemp -d "./.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Certificates of the envelope on stdin (base64 of PKCS#7, RFC 8951), as PEM.
certificates() {
  tr -d '\r\n' | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs | sed -n '/-BEGIN/,/-END/p'
}

# Posts a request; 202, 429 and 503 say how long to wait before the same one is sent again.
post() {
  route=$1
  shift
  for _ in 1 2 3 4 5; do
    status=$(curl -sS --cacert "$root" -H 'Content-Type: application/pkcs10' --data-binary "@$work/request" \
      -D "$work/headers" -o "$work/answer" -w '%{http_code}' "$@" "$url/$route")
    wait=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$work/headers")
    case $status in
      200) return 0 ;;
      202 | 429 | 503) sleep "${wait:-10}" ;;
      *) break ;;
    esac
  done
  echo "the service answered $status: $(head -c 300 "$work/answer")" >&2
  return 1
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/key"
curl -sS --fail --cacert "$root" "$url/cacerts" | certificates > "$work/cas.pem"

case $verb in
  enroll)
    openssl req -new -key "$work/key" -subj "/CN=$name" -outform DER | openssl base64 -A > "$work/request"
    # by a file: what stands on a command line everybody can read
    printf 'user = "%s:%s"\n' "$name" "$(head -n 1 "$5")" > "$work/login"
    post simpleenroll --config "$work/login"
    ;;
  renew)
    # the same names as before, or the service refuses
    subject=$(openssl x509 -in "$name.pem" -noout -subject -nameopt compat | sed 's/^subject=//')
    san=$(openssl x509 -in "$name.pem" -noout -ext subjectAltName 2> /dev/null | sed -n '2s/^ *//p' | tr -d ' ')
    openssl req -new -key "$work/key" -subj "$subject" ${san:+-addext "subjectAltName=$san"} -outform DER |
      openssl base64 -A > "$work/request"
    post simplereenroll --cert "$name.pem" --key "$name.key"
    ;;
  *)
    echo "enroll or renew, not $verb" >&2
    exit 64
    ;;
esac

# Only a certificate for this key, from this authority, is taken.
certificates < "$work/answer" > "$work/leaf.pem"
openssl verify -x509_strict -purpose sslclient -CAfile "$root" -untrusted "$work/cas.pem" "$work/leaf.pem" > /dev/null
[ "$(openssl x509 -in "$work/leaf.pem" -noout -pubkey)" = "$(openssl pkey -in "$work/key" -pubout)" ]
openssl crl2pkcs7 -nocrl -certfile "$work/cas.pem" | openssl pkcs7 -print_certs | awk '
  /^subject=/ { subject = substr($0, 9); root = 0 }
  /^issuer=/ { root = (substr($0, 8) == subject) }
  /-BEGIN/ { inside = 1 }
  inside && !root { print }
  /-END/ { inside = 0 }' > "$work/issuing.pem"
cat "$work/leaf.pem" "$work/issuing.pem" > "$work/pem"
mv "$work/key" "$name.key"
mv "$work/pem" "$name.pem"
openssl x509 -in "$name.pem" -noout -subject -enddate
