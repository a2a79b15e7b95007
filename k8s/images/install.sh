#!/bin/sh
# What the build stages of all images do:
#
#   install.sh locked FILE        install locked packages below /out/opt/venv, compiled
#   install.sh source FOLDER      build the project there, and install it alone in the same way
#   install.sh split THESE ALL    write of two `uv export`s what both have to /locked/shared.txt,
#                                 and what only the second has to /locked/own.txt
set -eu
if [ -s /run/secrets/ca ]; then
    export SSL_CERT_FILE=/run/secrets/ca
fi
# A module compiled here is taken as it is: nothing looks at its source's time stamp.
export PYC_INVALIDATION_MODE=UNCHECKED_HASH
export UV_LINK_MODE=copy UV_NO_CONFIG=1 UV_COMPILE_BYTECODE=1 UV_PYTHON=/opt/venv/bin/python

# One line a package: an export has the hashes on lines of their own.
one_line() {
    printf '%s\n' "$1" | sed -e ':more' -e '/\\$/N' -e 's/ *\\\n */ /' -e 'tmore'
}

mkdir -p /out/opt/venv /locked
case $1 in
locked)
    if [ -s "$2" ]; then
        uv pip install --quiet --require-hashes --no-deps --no-build \
            --prefix /out/opt/venv --requirement "$2"
    fi
    ;;
source)
    (cd "$2" && python3 -m hatchling build --target wheel --directory /wheels >/dev/null)
    uv pip install --quiet --no-cache --no-deps --prefix /out/opt/venv /wheels/*.whl
    ;;
split)
    one_line "$2" > /locked/these.txt
    one_line "$3" > /locked/all.txt
    grep -xF -f /locked/these.txt /locked/all.txt > /locked/shared.txt || true
    grep -vxF -f /locked/these.txt /locked/all.txt > /locked/own.txt || true
    ;;
*)
    echo "install.sh: expected locked, source or split; got '$1'" >&2
    exit 64
    ;;
esac
