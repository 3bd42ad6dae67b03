#!/bin/sh
# Makes the certificates of this folder anew. They begin in 2020, so that a clock that is behind does not matter.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/ca.conf" <<CONF
[ca]
default_ca = test
[test]
dir = $work
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:true
[leaf]
subjectAltName = DNS:localhost, DNS:registry.test, IP:127.0.0.1
extendedKeyUsage = serverAuth, clientAuth
CONF
: > "$work/index"
echo 01 > "$work/serial"
sign() {
  openssl ca -batch -notext -config "$work/ca.conf" -startdate 20200101000000Z -enddate 21200101000000Z -keyfile "$work/ca-key.pem" "$@"
}
for who in ca server client; do
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$work/$who-key.pem"
  openssl req -new -key "$work/$who-key.pem" -subj "/CN=test-$who" -out "$work/$who.csr"
done
sign -selfsign -extensions authority -in "$work/ca.csr" -out ca.pem
for who in server client; do
  sign -cert ca.pem -extensions leaf -in "$work/$who.csr" -out "$who.pem"
  cat "$work/$who-key.pem" > "$who-key.pem"
done
