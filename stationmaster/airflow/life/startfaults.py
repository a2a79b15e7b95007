"""Why a container does not start: what its description lacks, or what the node could not do."""

from __future__ import annotations

import re
from typing import Final

from stationmaster.airflow.life.findings import Verdict

__all__ = ["image_hint", "never_pulls", "of_message"]

WRONG_DESCRIPTION: Final = re.compile(
    r"executable file not found|no such file or directory|permission denied|not a directory"
    r"|no command specified|exec format error|runAsNonRoot|run as root"
    r"|non-numeric user|unable to find (?:user|group)|invalid (?:mount|capability|volume)"
    r"|(?:secret|configmap)s? \"[^\"]*\" (?:not found|is forbidden)"
    r"|references non-existent (?:secret|config) key|couldn't find key"
    r"|host path type check failed|is not a directory",
    re.IGNORECASE,
)
"""Messages of kubelet, containerd and runc that stay true until a person changes something."""

NEVER_PULLS: Final = re.compile(
    r"not found|manifest unknown|name unknown|repository does not exist|unauthorized"
    r"|authentication required|access denied|denied:|forbidden|no match for platform"
    r"|insufficient_scope|invalid reference|no basic auth credentials",
    re.IGNORECASE,
)
"""Messages of a registry that another pull gets again."""

HINTS: Final = (
    (
        r"executable file not found|no such file or directory|no command specified",
        (
            "The command is not in the image: look at `command:` in job.yaml (cmds= in the DAG) "
            "and at what the Dockerfile copies, then deploy again."
        ),
    ),
    (
        r"exec format error",
        "The image is built for another processor: build it for the nodes' architecture.",
    ),
    (
        r"runAsNonRoot|run as root|non-numeric user|unable to find (user|group)",
        "Steps do not run as root: write a numeric `USER` into the Dockerfile (10001 here).",
    ),
    (r"permission denied", "Give the command its run bit in the Dockerfile (`chmod +x`)."),
    (
        r"secret",
        (
            "Create the secret, with the key it names, in the steps' namespace, or strike it from "
            "`secrets:` in job.yaml."
        ),
    ),
    (
        r"configmap",
        "Create the ConfigMap in the steps' namespace, or strike it from the DAG.",
    ),
)


def of_message(message: str) -> tuple[Verdict, str]:
    """Return the verdict on a container that could not start, and what to do.

    Args:
        message: What kubelet, containerd or runc said.
    """
    if not WRONG_DESCRIPTION.search(message):
        return (
            Verdict.START_FAILED,
            "If it comes back on several nodes, look at the node's kubelet and container runtime.",
        )
    for pattern, hint in HINTS:
        if re.search(pattern, message, re.IGNORECASE):
            return Verdict.CONFIG_ERROR, hint
    return Verdict.CONFIG_ERROR, "Correct the step's description, then clear the task."


def never_pulls(message: str) -> bool:
    """Tell whether a registry's answer stays the same however often it is asked."""
    return bool(NEVER_PULLS.search(message))


def image_hint(message: str) -> str:
    """Return what to do about an image that cannot be pulled."""
    if re.search(r"unauthorized|denied|forbidden|auth", message, re.IGNORECASE):
        return (
            "Let the nodes pull from that registry (image_pull_secrets, the node's role), then "
            "clear the task."
        )
    if never_pulls(message):
        return "Build and push that image, or correct its name in the catalog; then clear the task."
    return "Look whether the registry is up and the nodes reach it, then clear the task."
