"""Build, load, pin and write images: `python -m k8s.images --help`."""

from __future__ import annotations

import argparse
import signal
import sys

from k8s.images.artifacts import ROOT, Artifact, artifacts, stale_dockerfiles
from k8s.images.docker import ImageError, client, forget_old
from k8s.images.load import kind_nodes, load
from k8s.images.making import make, write_down
from k8s.images.pinning import pin

__all__ = ["main"]


def main() -> int:
    """Run one command; return its exit code."""
    asked = _arguments().parse_args()
    # Saved images are gigabytes in a temporary folder: they go when this is ended, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        if asked.command == "build":
            _build(_chosen(asked.names), asked.cluster)
        elif asked.command == "pin":
            _say(pin(client()))
        else:
            return _write(check=asked.check)
    except ImageError as error:
        sys.stderr.write(f"images: {error}\n")
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m k8s.images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what changed, load what the nodes lack")
    build.add_argument("names", nargs="*", help="such as platform or extract-web; default all")
    build.add_argument("--cluster", default="stationmaster", help="kind cluster; '' loads nothing")
    commands.add_parser("pin", help="turn the base image's tag into a digest (needs a registry)")
    write = commands.add_parser("write", help="write the jobs' Dockerfiles from their template")
    write.add_argument("--check", action="store_true", help="only say which are not fresh")
    return parser


def _chosen(names: list[str]) -> list[Artifact]:
    known = {artifact.name: artifact for artifact in artifacts()}
    if unknown := sorted(set(names) - set(known)):
        message = f"expected names of {', '.join(known)}; got {', '.join(unknown)}"
        raise ImageError(message)
    return [known[name] for name in names] if names else list(known.values())


def _build(wanted: list[Artifact], cluster: str) -> None:
    docker = client()
    built = make(docker, wanted, _say)
    _say(f"written   {' and '.join(str(path.relative_to(ROOT)) for path in write_down(built))}")
    if old := [name for image in built for name in forget_old(docker, image.repository)]:
        _say(f"removed   {len(old)} older images")
    if not cluster:
        return
    nodes = kind_nodes(docker, cluster)
    if not nodes:
        _say(f"no kind cluster {cluster!r} is running: nothing loaded")
        return
    load(docker, nodes, [image.reference for image in built], _say)


def _write(*, check: bool) -> int:
    stale = stale_dockerfiles()
    for path, text in stale.items():
        _say(f"{'not fresh' if check else 'wrote'}  {path.relative_to(ROOT)}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
