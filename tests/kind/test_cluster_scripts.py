"""Run the scripts' parts for real, with nothing but a shell."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import yaml

from stationmaster.step.protocol import ResultStatus, StepResult
from tests.kind.scripts import KIND, run_part

if TYPE_CHECKING:
    from pathlib import Path

LINES = "a-control-plane 172.19.0.2 10.244.0.0/24\\na-worker 172.19.0.3 10.244.1.0/24"


def test_no_package_is_installed_unasked(tmp_path: Path) -> None:
    """Promise that without YES=1, CI=true or a person's yes nothing is installed."""
    ended = run_part("install_packages stationmaster-no-such-package; echo went on", tmp_path)
    assert ended.returncode == 1
    assert "went on" not in ended.stdout
    assert "stationmaster-no-such-package" in ended.stderr
    assert not (tmp_path / "logs" / "packages.log").exists()


def test_a_refusal_says_how_to_allow(tmp_path: Path) -> None:
    """Promise that whoever may not be asked is told of YES=1, or to install Docker themselves."""
    ended = run_part("install_packages stationmaster-no-such-package", tmp_path)
    assert "YES=1" in ended.stderr or "Install and start Docker yourself" in ended.stderr


def test_leave_is_taken_from_settings_only_when_they_say_so(tmp_path: Path) -> None:
    """Promise that YES=1 and CI=true are leave, and any other value is none."""
    question = "if allowed 'Install?'; then echo yes; else echo no; fi"
    answers = [
        run_part(question, tmp_path, YES=yes, CI=ci).stdout.strip()
        for yes, ci in (("1", ""), ("", "true"), ("0", ""), ("", "false"), ("", ""))
    ]
    assert answers == ["yes", "yes", "no", "no", "no"]


def test_a_failed_step_shows_its_last_words_and_where_all_are(tmp_path: Path) -> None:
    """Promise that a step's first failing command ends all, with its output and the log's place."""
    commands = """
broken() { echo all is well; false; echo never said; }
plan broken; step broken 'Breaking' broken; echo went on"""
    ended = run_part(commands, tmp_path)
    assert ended.returncode == 1
    assert "all is well" in ended.stderr
    assert "never said" not in ended.stderr + ended.stdout
    assert "went on" not in ended.stdout
    assert str(tmp_path / "logs" / "broken.log") in ended.stderr


def test_a_step_says_what_is_left(tmp_path: Path) -> None:
    """Promise the number of steps and the time left, from the figures of a cold build."""
    ended = run_part("plan helm nodes; step helm 'Building helm' true", tmp_path)
    assert "[1/2] Building helm (about 3:00; 3:30 left in all)" in ended.stdout


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    """Promise a sentence instead of a guess when NODES is misspelt."""
    ended = run_part("choose_way", tmp_path, NODES="bild", DOCKER_HOST="unix:///nowhere")
    assert ended.returncode == 1
    assert "expected NODES=pulled, NODES=built or neither; got NODES=bild." in ended.stderr


def test_karpenter_brings_its_simulated_nodes_along(tmp_path: Path) -> None:
    """Promise KWOK with Karpenter, neither without being asked."""
    there = "WAY=pulled; installed_tool() { true; }; image_in_use() { echo there; }; missing_steps"
    assert run_part(there, tmp_path).stdout.split() == []
    assert run_part(there, tmp_path, KARPENTER="1").stdout.split() == ["kwok", "karpenter"]


def test_more_nodes_than_addresses_are_refused(tmp_path: Path) -> None:
    """Promise that no more nodes are simulated than the cluster has pod addresses for."""
    ended = run_part("simulate 201", tmp_path)
    assert ended.returncode == 1
    assert "expected 0 to 200 simulated nodes" in ended.stderr


def test_a_node_learns_its_own_part_and_the_ways_to_others(tmp_path: Path) -> None:
    """Promise a conflist of the node's own addresses and one route to each other node."""
    said = run_part(f"node_commands a-worker \"$(printf '{LINES}')\"", tmp_path).stdout
    conflist = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert conflist["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert said.count("ip route replace") == 1
    assert "ip route replace 10.244.0.0/24 via 172.19.0.2" in said


def test_the_node_images_tag_follows_what_goes_in(tmp_path: Path) -> None:
    """Promise that a changed unit makes another node image, and an equal copy the same one."""
    copy = tmp_path / "k8s" / "kind"
    shutil.copytree(KIND, copy)
    before = run_part("node_image", tmp_path, copy).stdout
    assert before == run_part("node_image", tmp_path).stdout
    unit = copy / "node" / "units" / "kubelet.service"
    unit.write_text(unit.read_text() + "# changed\n")
    assert run_part("node_image", tmp_path, copy).stdout != before


def test_the_base_images_tag_follows_what_goes_in(tmp_path: Path) -> None:
    """Promise that another set of packages is another base image."""
    copy = tmp_path / "k8s" / "kind"
    shutil.copytree(KIND, copy)
    before = run_part("base_image", tmp_path, copy).stdout
    images = copy / "lib" / "images.sh"
    images.write_text(images.read_text().replace("ca-certificates,tzdata", "ca-certificates"))
    assert before.startswith("stationmaster/base:")
    assert run_part("base_image", tmp_path, copy).stdout != before


def test_one_storage_class_is_the_default_one() -> None:
    """Promise the class `standard`, used by claims that name none."""
    documents = list(yaml.safe_load_all((KIND / "node" / "storage.yaml").read_text()))
    classes = [document for document in documents if document["kind"] == "StorageClass"]
    assert [document["metadata"]["name"] for document in classes] == ["standard"]
    assert classes[0]["metadata"]["annotations"] == {
        "storageclass.kubernetes.io/is-default-class": "true"
    }


def test_a_simulated_step_leaves_a_results_last_word() -> None:
    """Promise that a simulated pod's message is a StepResult that says it is done."""
    stage = yaml.safe_load((KIND / "kwok" / "step-done.yaml").read_text())
    template = stage["spec"]["next"]["statusTemplate"]
    message = next(line for line in template.splitlines() if "message:" in line)
    result = StepResult.model_validate_json(message.split("message: ")[1].strip("'"))
    assert result.status is ResultStatus.DONE


def test_built_and_pulled_clusters_have_the_same_nodes() -> None:
    """Promise a control plane and two workers either way."""
    roles = [
        [node["role"] for node in yaml.safe_load((KIND / name).read_text())["nodes"]]
        for name in ("kind-built.yaml", "kind-pulled.yaml")
    ]
    assert roles[0] == roles[1] == ["control-plane", "worker", "worker"]
