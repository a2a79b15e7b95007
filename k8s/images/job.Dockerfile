# The image of the job @JOB@. Every job's Dockerfile is this one, written by
# `python -m k8s.images write` from k8s/images/job.Dockerfile: change it there. A job that needs
# more than Python packages takes out the first line's job name and keeps a file of its own.
ARG BASE_IMAGE=python:3.13-slim-trixie

# uv and the build backend, each by its hash; nothing of this stage is in the image.
FROM ${BASE_IMAGE} AS tools
COPY k8s/images/tools.sh k8s/images/tools.txt k8s/images/install.sh /build/
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache sh /build/tools.sh

# What the lock says of the library and of this job. The stages after it look at these texts only:
# a new lock rebuilds the jobs whose packages it changes.
FROM tools AS lock
RUN --mount=type=bind,target=/source cd /source && sh /build/install.sh split \
    "$(uv export --quiet --locked --no-dev --package stationmaster --extra datasets --extra postgres \
        --no-emit-workspace --no-header --no-annotate)" \
    "$(uv export --quiet --locked --no-dev --package @JOB@ --package stationmaster --extra postgres \
        --no-emit-workspace --no-header --no-annotate)"

# The library's packages, in one layer that all jobs share; then what this job has beyond them.
FROM tools AS packages
COPY --from=lock /locked/shared.txt /build/
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache \
    sh /build/install.sh locked /build/shared.txt

FROM tools AS own-packages
COPY --from=lock /locked/own.txt /build/
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache \
    sh /build/install.sh locked /build/own.txt

FROM tools AS library
COPY pyproject.toml README.md LICENSE /source/
COPY stationmaster/__init__.py stationmaster/cli.py stationmaster/py.typed /source/stationmaster/
COPY stationmaster/step /source/stationmaster/step
RUN sh /build/install.sh source /source

FROM tools AS job
COPY jobs/@JOB@/pyproject.toml /source/
COPY jobs/@JOB@/src/@PACKAGE@ /source/src/@PACKAGE@
RUN sh /build/install.sh source /source

FROM ${BASE_IMAGE}
# A name for the uid: some programs ask for their user's. Written, not by useradd, which dates it.
RUN echo 'stationmaster:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'stationmaster:x:10001:' >> /etc/group
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /out /
COPY --from=own-packages /out /
COPY --from=library /out /
COPY --from=job /out /
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    STATIONMASTER_HOME=/tmp/stationmaster
WORKDIR /opt/venv
USER 10001:10001
CMD ["python", "-m", "@PACKAGE@"]
ARG VERSION=0 REVISION=unknown CREATED=1970-01-01T00:00:00Z SOURCE=unknown
LABEL org.opencontainers.image.title="stationmaster/@JOB@" \
    org.opencontainers.image.description="@SUMMARY@" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.licenses="Apache-2.0"
