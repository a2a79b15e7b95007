#!/bin/sh
# Put uv and the build backend into a build stage. Wants pip; Debian's base gets it here.
set -eu
if [ -s /run/secrets/ca ]; then
    export PIP_CERT=/run/secrets/ca
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends python3-pip >/dev/null
fi
python3 -m pip install --quiet --disable-pip-version-check --break-system-packages \
    --root-user-action=ignore --ignore-installed --require-hashes --requirement /build/tools.txt
uv venv --quiet --no-config --python "$(command -v python3)" /opt/venv
