# The platform's image with another Airflow in it: what an upgrade begins with.
ARG BASE_IMAGE=python:3.13-slim-trixie
ARG PLATFORM

FROM ${BASE_IMAGE} AS tools
COPY k8s/images/tools.sh k8s/images/tools.txt k8s/images/install.sh /build/
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache sh /build/tools.sh

FROM ${PLATFORM}
ARG AIRFLOW
USER 0
# Nothing looks at a compiled module's source again: those of the other version must be made anew.
RUN --mount=type=bind,from=tools,target=/tools --mount=type=secret,id=ca \
    --mount=type=cache,target=/root/.cache \
    if [ -s /run/secrets/ca ]; then export SSL_CERT_FILE=/run/secrets/ca; fi \
    && UV_LINK_MODE=copy UV_NO_CONFIG=1 /tools/usr/local/bin/uv pip install --quiet \
        --cache-dir /root/.cache/uv --python /opt/venv/bin/python "apache-airflow==${AIRFLOW}" \
    && python -m compileall -q -f --invalidation-mode unchecked-hash \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/airflow"
USER 50000:50000
