"""A node is sent the layers that it lacks, and the archive still names all of them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from k8s.images.archive import SavedImages, chain_ids

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = [b"base" * 600, b"packages" * 300, b"job" * 100]
NAME = "stationmaster/toy:1"


def digest(content: bytes) -> str:
    """Return a content's digest as containers write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


DIFF_IDS = [digest(layer) for layer in LAYERS]


def saved(folder: Path, layers: list[bytes]) -> Path:
    """Write what `docker save` writes for one image, the last layer as a link to its file."""
    config = json.dumps({"rootfs": {"diff_ids": DIFF_IDS}}).encode()
    places = [f"{number}/layer.tar" for number in range(len(layers))]
    image = {"Config": "config.json", "RepoTags": [NAME], "Layers": [*places[:-1], "link.tar"]}
    files = {"config.json": config, "manifest.json": json.dumps([image]).encode()}
    with tarfile.open(folder / "saved.tar", "w") as archive:
        for name, content in [*files.items(), *zip(places, layers, strict=True)]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link.tar")
        link.type, link.linkname = tarfile.SYMTYPE, places[-1]
        archive.addfile(link)
    return folder / "saved.tar"


def written(images: SavedImages, have: frozenset[str]) -> dict[str, bytes]:
    """Return the files of the archive that a node which has these chain ids is sent."""
    target = io.BytesIO()
    images.write(target, have)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        return {
            entry.name: stream.read()
            for entry in archive
            if (stream := archive.extractfile(entry)) is not None
        }


def test_a_chain_id_is_that_of_the_image_format() -> None:
    """The first is the layer's own; the next is the digest of the one below, a space, the layer."""
    second = digest(f"{DIFF_IDS[0]} {DIFF_IDS[1]}".encode())

    assert chain_ids(DIFF_IDS[:2]) == [DIFF_IDS[0], second]


def test_an_empty_node_is_sent_everything(tmp_path: Path) -> None:
    """Each layer is there by its digest, also one that Docker wrote as a link."""
    files = written(SavedImages(saved(tmp_path, LAYERS)), frozenset())

    for layer in LAYERS:
        assert files[f"blobs/{digest(layer).replace(':', '/')}"] == layer


def test_layers_that_a_node_has_stay_away_but_are_named(tmp_path: Path) -> None:
    """Two layers are had: the third alone travels, and the manifest still has three."""
    have = frozenset(chain_ids(DIFF_IDS)[:2])
    files = written(SavedImages(saved(tmp_path, LAYERS)), have)
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files[f"blobs/{entry['digest'].replace(':', '/')}"])
    sent = [digest(layer) for layer in LAYERS if digest(layer).replace(":", "/") in str(files)]

    assert [layer["digest"] for layer in manifest["layers"]] == DIFF_IDS
    assert sent == [DIFF_IDS[2]]
    assert entry["annotations"]["io.containerd.image.name"] == f"docker.io/{NAME}"


def test_a_layer_on_another_base_is_sent_again(tmp_path: Path) -> None:
    """What counts is the layer with all below it: a node keeps them unpacked as a chain."""
    have = frozenset({digest(b"another base"), DIFF_IDS[1], DIFF_IDS[2]})
    files = written(SavedImages(saved(tmp_path, LAYERS)), have)

    assert sum(name.startswith("blobs/") for name in files) == len(LAYERS) + 2


def test_a_compressed_layer_is_refused(tmp_path: Path) -> None:
    """Its digest would be that of another file than the one that is sent."""
    images = SavedImages(saved(tmp_path, [*LAYERS[:2], b"\x1f\x8b" + b"x" * 100]))

    with pytest.raises(ValueError, match="compressed"):
        images.write(io.BytesIO())
