"""Carry a backup's files to the object store, or the newest backup's files back.

Usage: python upload.py put FOLDER PLACE KEEP | get FOLDER PLACE [NAME]. A backup is a prefix named
by its UTC time below PLACE; `manifest.json`, its files with their sizes and SHA-256, comes last:
what has none is no backup. The KEEP newest stay. `get` refuses a file that is not what was put.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MANIFEST = "manifest.json"


def put(s3: Any, folder: Path, bucket: str, prefix: str, keep: int) -> str:  # noqa: ANN401 (a boto3 client has no types here)
    """Put a folder's files as one more backup, drop the oldest; return the backup's name."""
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    files = {path.name: _digest(path) for path in sorted(folder.iterdir()) if path.is_file()}
    for file in files:
        s3.upload_file(str(folder / file), bucket, f"{prefix}{name}/{file}")
    s3.put_object(Bucket=bucket, Key=f"{prefix}{name}/{MANIFEST}", Body=json.dumps(files).encode())
    for old in names(s3, bucket, prefix)[:-keep]:
        _remove(s3, bucket, f"{prefix}{old}/")
    return name


def get(s3: Any, folder: Path, bucket: str, prefix: str, name: str = "") -> str:  # noqa: ANN401 (as above)
    """Get a backup's files, the newest by default; return its name.

    Raises:
        SystemExit: There is no backup, or a file is not what was put.
    """
    there = names(s3, bucket, prefix)
    name = name or (there[-1] if there else "")
    if name not in there:
        sys.exit(f"s3://{bucket}/{prefix}: no backup {name or 'at all'}; there: {there}")
    manifest = s3.get_object(Bucket=bucket, Key=f"{prefix}{name}/{MANIFEST}")["Body"].read()
    for file, wanted in json.loads(manifest).items():
        s3.download_file(bucket, f"{prefix}{name}/{file}", str(folder / file))
        if _digest(folder / file) != wanted:
            sys.exit(f"{name}/{file} is not what was put there: take an older backup")
    return name


def names(s3: Any, bucket: str, prefix: str) -> list[str]:  # noqa: ANN401 (as above)
    """Return the names of whole backups, oldest first."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return sorted(key.split("/")[-2] for key in keys if key.endswith(f"/{MANIFEST}"))


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _remove(s3: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 (as above)
    # The manifest first: half a backup is none.
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    for key in sorted(keys, key=lambda key: not key.endswith(MANIFEST)):
        s3.delete_object(Bucket=bucket, Key=key)


def main(action: str, folder: str, place: str, argument: str = "") -> None:
    """Put or get, and say what was done."""
    import boto3  # noqa: PLC0415 (not where its functions are tested)

    where = urlsplit(place)
    prefix = f"{where.path.strip('/')}/".lstrip("/")
    s3 = boto3.client("s3")
    if action == "put":
        name = put(s3, Path(folder), where.netloc, prefix, int(argument))
    else:
        name = get(s3, Path(folder), where.netloc, prefix, argument)
    sizes = {path.name: path.stat().st_size for path in sorted(Path(folder).iterdir())}
    sys.stdout.write(f"{json.dumps({'backup': name, 'action': action, 'bytes': sizes})}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
