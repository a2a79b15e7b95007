# The platform's image with a ledger of the next generation: what a downgrade comes back from.
ARG PLATFORM
FROM ${PLATFORM}
USER 0
COPY g2_0001_place.py /tmp/
RUN ledger=/opt/venv/lib/$(cd /opt/venv/lib && ls)/site-packages/stationmaster/ledger \
    && mv /tmp/g2_0001_place.py "$ledger/migrations/versions/" \
    && sed -i 's/^HEAD: Final = .*/HEAD: Final = "g2_0001"/' "$ledger/schema.py" \
    && python -m compileall -q -f --invalidation-mode unchecked-hash "$ledger"
USER 50000:50000
