#!/bin/sh
# Start SeaweedFS's S3 on port 8333; its other parts talk to each other within the pod.
#
#   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY   the one key that is let in, or files of these names
#                                              in SECRETS (default /run/secrets/seaweedfs)
#   BUCKETS                                    made when they are not there, separated by commas
#   DATA                                       the volume, default /data
set -eu
data=${DATA:-/data}
secrets=${SECRETS:-/run/secrets/seaweedfs}
for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
    eval "value=\${$name:-}"
    if [ -z "$value" ] && [ -r "$secrets/$name" ]; then
        value=$(cat "$secrets/$name")
    fi
    if [ -z "$value" ]; then
        echo "start-seaweedfs: expected $name, or a file $secrets/$name; without keys anybody is let in" >&2
        exit 78
    fi
    export "$name=$value"
done
# Small volumes and many: each bucket takes seven at once, however little is in it.
exec weed -logtostderr=true mini \
    -dir="$data" \
    -ip=127.0.0.1 \
    -ip.bind=0.0.0.0 \
    -bucket="${BUCKETS:-}" \
    -master.telemetry=false \
    -master.volumeSizeLimitMB=64 \
    -volume.max=400 \
    -admin.ui=false \
    -webdav=false \
    -s3.port=8333 \
    -s3.port.iceberg=0 \
    -s3.port.lance=0 \
    -s3.autoCreateBucket=false
