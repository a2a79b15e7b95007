"""An archive with only those layers that a node lacks.

`docker save` always writes all layers, two gigabytes for our images, of which a change touches a
few megabytes. Out of its archive this writes another one, an OCI layout, that names all layers and
holds the missing ones; containerd takes the others from what it has unpacked.
Formats: https://github.com/opencontainers/image-spec, image-layout.md and config.md (chain ids).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Layer", "SavedImages", "chain_ids"]

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
GZIP: Final = b"\x1f\x8b"


def chain_ids(diff_ids: list[str]) -> list[str]:
    """Return, for each layer, the id of it on top of all below it."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(_digest(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return chain


@dataclass(frozen=True)
class Layer:
    """Name a layer of a saved image."""

    digest: str
    """Of its uncompressed archive: the diff id."""
    chain_id: str
    member: str
    """Its place in the archive."""
    size: int


class SavedImages:
    """Read what `docker save` wrote to a file."""

    def __init__(self, saved: Path) -> None:
        self._tar = tarfile.open(saved)  # noqa: SIM115 (open as long as this object)
        self._images: list[dict[str, Any]] = json.loads(self._bytes("manifest.json"))

    def write(self, target: IO[bytes], have: frozenset[str] = frozenset()) -> int:
        """Write an archive of all images without the layers whose chain id is had.

        Returns:
            The bytes of layers that are in it.

        Raises:
            ValueError: Layers are compressed, so that their ids are not those of their archives.
        """
        blobs: dict[str, bytes] = {}
        wanted: dict[str, Layer] = {}
        index = [
            self._manifest(image, blobs, wanted, have, name)
            for image in self._images
            for name in image["RepoTags"]
        ]
        with tarfile.open(fileobj=target, mode="w|") as archive:
            _add(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
            for digest, content in blobs.items():
                _add(archive, _place(digest), content)
            for layer in wanted.values():
                self._add_layer(archive, layer)
            document = {"schemaVersion": 2, "manifests": index}
            _add(archive, "index.json", json.dumps(document).encode())
        return sum(layer.size for layer in wanted.values())

    def _manifest(
        self,
        image: dict[str, Any],
        blobs: dict[str, bytes],
        wanted: dict[str, Layer],
        have: frozenset[str],
        name: str,
    ) -> dict[str, Any]:
        config = self._bytes(image["Config"])
        layers = self._layers(image, json.loads(config)["rootfs"]["diff_ids"])
        wanted.update({layer.digest: layer for layer in layers if layer.chain_id not in have})
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": _digest(config), "size": len(config)},
            "layers": [
                {"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in layers
            ],
        }
        manifest = json.dumps(document).encode()
        blobs |= {_digest(config): config, _digest(manifest): manifest}
        return {
            "mediaType": MANIFEST,
            "digest": _digest(manifest),
            "size": len(manifest),
            "annotations": {"io.containerd.image.name": f"docker.io/{name}"},
        }

    def _layers(self, image: dict[str, Any], diff_ids: list[str]) -> list[Layer]:
        members = zip(diff_ids, chain_ids(diff_ids), image["Layers"], strict=True)
        return [
            Layer(digest, chain, member, self._size(member)) for digest, chain, member in members
        ]

    def _size(self, member: str) -> int:
        with self._open(member) as stream:
            if stream.read(2) == GZIP:
                message = f"expected {member} as a plain archive; got a compressed one"
                raise ValueError(message)
            return stream.seek(0, io.SEEK_END)

    def _add_layer(self, archive: tarfile.TarFile, layer: Layer) -> None:
        entry = tarfile.TarInfo(_place(layer.digest))
        entry.size = layer.size
        with self._open(layer.member) as stream:
            archive.addfile(entry, stream)

    def _open(self, member: str) -> IO[bytes]:
        stream = self._tar.extractfile(member)  # follows the links that Docker writes for doubles
        if stream is None:
            message = f"expected {member} as a file in what docker saved"
            raise ValueError(message)
        return stream

    def _bytes(self, member: str) -> bytes:
        with self._open(member) as stream:
            return stream.read()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
