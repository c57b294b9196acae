#!/bin/sh
# Makes the debug keystore that Android Studio would make, where there is none yet.
# debug_keystore.sh KEYTOOL FILE
set -eu
[ ! -f "$2" ] || exit 0
mkdir -p "$(dirname "$2")"
new=$(mktemp -d "$2.XXXXXX")
trap 'rm -rf "$new"' EXIT
"$1" -genkeypair -keystore "$new/debug.keystore" -storetype PKCS12 -storepass android \
    -alias androiddebugkey -keyalg RSA -keysize 2048 -validity 10950 \
    -dname 'CN=Android Debug, O=Android, C=US'
mv "$new/debug.keystore" "$2"
