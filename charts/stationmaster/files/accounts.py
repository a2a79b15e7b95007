"""Make Airflow's roles and users as the chart's values say; run by the migration Job.

Usage: python accounts.py USERS_JSON PASSWORDS_FOLDER. The folder has one file a user: the first
password. A user that is there keeps the password it has; names and roles follow the values.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow.providers.fab.auth_manager.cli_commands.utils import (  # type: ignore[import-not-found]
    get_application_builder,
)


def make_user(manager: Any, name: str, wanted: dict[str, Any], password: str) -> str:  # noqa: ANN401 (Flask-AppBuilder has no types)
    """Make or change one user; return what was done, in words.

    Raises:
        SystemExit: A role does not exist.
    """
    roles = [manager.find_role(role) for role in wanted["roles"]]
    if None in roles:
        known = ", ".join(sorted(role.name for role in manager.get_all_roles()))
        sys.exit(f"airflow.login.users.{name}.roles: {wanted['roles']} is not among {known}")
    first, last, email = wanted["firstName"], wanted["lastName"], wanted["email"]
    user = manager.find_user(username=name)
    if user is None:
        if not manager.add_user(name, first, last, email, roles, password):
            sys.exit(f"airflow.login.users.{name}: not made; is {email} another user's address?")
        return "made"
    user.first_name, user.last_name, user.email, user.roles = first, last, email, roles
    manager.update_user(user)
    return "kept"


def main(users_file: Path, passwords: Path) -> None:
    """Bring the roles' permissions up (as `airflow sync-perm` does), then make each user."""
    with get_application_builder() as builder:
        builder.add_permissions(update_perms=True)
        builder.sm.sync_roles()
        for name, wanted in json.loads(users_file.read_text()).items():
            done = make_user(builder.sm, name, wanted, (passwords / name).read_text().strip())
            sys.stdout.write(f"user {name}: {done}, {', '.join(wanted['roles'])}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
