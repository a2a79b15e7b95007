"""All checks: ours, and those that an installation brings along."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.alerts.checks import ALERTING_CHECKS
from stationmaster.monitor.checks.business.freshness import (
    dataset_stale,
    report_stale,
    report_unread,
    source_late,
)
from stationmaster.monitor.checks.business.numbers import (
    numbers_changed,
    sources_disagree,
    total_off,
)
from stationmaster.monitor.checks.check import Check
from stationmaster.monitor.checks.infrastructure.listed import INFRASTRUCTURE_CHECKS
from stationmaster.monitor.checks.pipeline.contracts import contract_broken, contract_changed
from stationmaster.monitor.checks.pipeline.forecasts import (
    latency_creeping,
    memory_outgrown,
    pool_outgrown,
    quarantine_creeping,
)
from stationmaster.monitor.checks.pipeline.lateness import deadline_at_risk, run_late
from stationmaster.monitor.checks.pipeline.retrying import step_retrying
from stationmaster.monitor.checks.pipeline.running import run_stuck, step_failed, step_skipped
from stationmaster.monitor.checks.pipeline.trends import cost_off, step_slower
from stationmaster.monitor.checks.pipeline.volumes import quarantine_growing, volume_off
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from stationmaster.step.settings import Settings

__all__ = ["BUSINESS", "ENTRY_POINTS", "EVERY_CHECK", "PIPELINE", "all_checks"]

PIPELINE: Final[tuple[Check, ...]] = (
    run_late,
    deadline_at_risk,
    run_stuck,
    step_failed,
    step_skipped,
    step_retrying,
    step_slower,
    volume_off,
    quarantine_growing,
    cost_off,
    contract_broken,
    contract_changed,
    memory_outgrown,
    latency_creeping,
    quarantine_creeping,
    pool_outgrown,
)

BUSINESS: Final[tuple[Check, ...]] = (
    source_late,
    dataset_stale,
    report_stale,
    report_unread,
    sources_disagree,
    total_off,
    numbers_changed,
)

EVERY_CHECK: Final[tuple[Check, ...]] = (
    *INFRASTRUCTURE_CHECKS,
    *ALERTING_CHECKS,
    *PIPELINE,
    *BUSINESS,
)

ENTRY_POINTS: Final = "stationmaster.checks"
"""Group of entry points by which an installed package brings modules of checks along."""


TESTS: Final = ("test_", "conftest")
"""Files beside one's checks that are none."""


def all_checks(settings: Settings) -> tuple[Check, ...]:
    """Return our checks and the installation's own, each name once.

    Its own are those of the modules and folders in STATIONMASTER_CHECKS, and of the entry points
    `stationmaster.checks`.

    Raises:
        MisconfiguredError: A module of them cannot be loaded, or has a name that is taken.
    """
    found: dict[str, Check] = {each.name: each for each in EVERY_CHECK}
    for module in _own_modules(settings.checks):
        for each in _checks_of(module):
            if found.get(each.name, each) is not each:
                raise MisconfiguredError(
                    where=f"check {each.name} in {module.__name__}",
                    expected="a name that no other check has",
                    got="a second one",
                    hint="Rename it: incidents are told apart by it.",
                )
            found[each.name] = each
    return tuple(found.values())


def _own_modules(names: str) -> Iterator[ModuleType]:
    for name in (each.strip() for each in names.split(",")):
        if not name:
            continue
        folder = Path(name)
        if folder.is_dir():
            for path in sorted(folder.glob("[a-z]*.py")):
                if not path.name.startswith(TESTS):
                    yield _loaded(str(path), path)
        elif folder.suffix == ".py":
            yield _loaded(name, folder)
        else:
            yield _loaded(name, None)
    for point in entry_points(group=ENTRY_POINTS):
        yield _loaded(point.module, None)


def _loaded(name: str, path: Path | None) -> ModuleType:
    try:
        if path is None:
            return importlib.import_module(name)
        loader = SourceFileLoader(f"own_checks_{path.stem}", str(path))
        module = module_from_spec(spec_from_loader(loader.name, loader) or ModuleSpec("", None))
        sys.modules[loader.name] = module  # dataclasses look their module up
        loader.exec_module(module)
    except Exception as error:
        raise MisconfiguredError(
            where=f"checks in {name}",
            expected="a Python module that can be imported",
            got=f"{type(error).__name__}: {error}",
            hint="Correct it, or take it out of STATIONMASTER_CHECKS.",
        ) from error
    return module


def _checks_of(module: ModuleType) -> Iterable[Check]:
    return [each for each in vars(module).values() if isinstance(each, Check)]
