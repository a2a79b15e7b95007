"""The blocking half of a step's start: the task of the serialized DAG, rendered and announced."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from airflow.models.dagbag import CachedDBDagBag
from airflow.sdk.api.datamodels._generated import AssetProfile, TaskInstanceState
from airflow.sdk.api.datamodels._generated import TaskInstance as SdkTaskInstance
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.serialization.definitions.assets import (
    SerializedAsset,
    SerializedAssetAlias,
    SerializedAssetNameRef,
    SerializedAssetUriRef,
)
from airflow.serialization.serialized_objects import BaseSerialization
from airflow.utils.session import create_session
from fastapi import HTTPException

from stationmaster.airflow.launcher.plans import MemoryRules
from stationmaster.airflow.launcher.rendering import Renderer, task_option, template_of
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.podmodels import share_configuration
from stationmaster.airflow.sizing import sized

if TYPE_CHECKING:
    from airflow.sdk.api.datamodels._generated import TIRunContext

    from stationmaster.airflow.launcher.api import TaskApi
    from stationmaster.airflow.launcher.messages import Order
    from stationmaster.airflow.launcher.rendering import RenderedStep
    from stationmaster.airflow.launcher.template import StepTemplate
    from stationmaster.ledger.sizing.book import SizeBook
    from stationmaster.ledger.store import Ledger
    from stationmaster.step.settings import Settings

__all__ = ["Preparation", "Prepared"]

log = logging.getLogger(__name__)

DAGS_IN_MEMORY: Final = 200
"""Versions of DAGs kept deserialized; one of 30 tasks takes about 0.4 MiB."""


@dataclass(frozen=True)
class Prepared:
    """Hold a task instance that is ready to be lived."""

    ti: RuntimeTaskInstance
    template: StepTemplate
    rendered: RenderedStep

    @property
    def map_label(self) -> str | None:
        """Return the rendered map_index_template."""
        return self.rendered.map_label


class Preparation:
    """Prepare task instances, and push what came of them; every method blocks."""

    def __init__(
        self,
        api: TaskApi,
        settings: Settings,
        ledger: Ledger | None = None,
        sizes: SizeBook | None = None,
    ) -> None:
        self._api = api
        self._settings = settings
        self._ledger = ledger
        self._sizes = sizes
        share_configuration()
        self._dags = CachedDBDagBag(
            load_op_links=False,
            cache_size=DAGS_IN_MEMORY,
            cache_ttl=0,
            stats_prefix="stationmaster_launcher",
        )

    def prepare(self, order: Order, context: TIRunContext, started_at: dt.datetime) -> Prepared:
        """Return the step with its templates rendered, and show them in the UI.

        Raises:
            NeedsWorkerError: Only a worker can run it; the message says why.
            GoneError: The task instance was taken away meanwhile.
        """
        task = self._task(order)
        template = template_of(task)
        if listeners := _listeners():
            template = template.model_copy(update={"ends_on_worker": listeners})
        ti = _runtime_ti(order, task, context, started_at)
        settings = self._settings
        rules = MemoryRules.of(settings)
        renderer = Renderer(ti, settings.steps_namespace, order.log_path, rules, self._ledger)
        with self._api.acting_for(ti):
            _clear_xcoms(ti, context.xcom_keys_to_clear or [])
            try:
                rendered = renderer.render(template, started_at)
            except NeedsWorkerError:
                raise
            except Exception as error:
                # A worker renders it again, and either fails with the whole traceback in the
                # task's log, or can do what cannot be done here.
                message = f"its templates do not render here: {type(error).__name__}: {error}"
                raise NeedsWorkerError(message) from error
        # Thousands of steps are held at once: what only rendering needed goes.
        ti._cached_template_context = None  # noqa: SLF001 (where Airflow keeps it)
        if (task.inlets or task.outlets) and (names := self._api.inactive_assets(order.ti_id)):
            message = f"these assets are not active: {', '.join(names)}"
            raise NeedsWorkerError(message)
        try:
            self._api.show(order.ti_id, rendered.fields, rendered.map_label)
        except HTTPException as error:
            log.warning("The rendered fields of %s are not shown: %s", order.ti_id, error)
        return Prepared(ti, template, rendered)

    def expect(self, order: Order) -> None:
        """Announce that a step will be prepared: its past is read with that of others."""
        if self._sizes is not None:
            self._sizes.expect(order.ti["dag_id"], order.ti["task_id"])

    def size(self, prepared: Prepared) -> Prepared:
        """Return the step with the size that its past calls for; asks the ledger."""
        if self._sizes is None:
            return prepared
        plan = sized(prepared.rendered.plan, self._sizes)
        return replace(prepared, rendered=replace(prepared.rendered, plan=plan))

    def push(self, prepared: Prepared, result: dict[str, Any]) -> None:
        """Push the step's XCom."""
        if task_option(prepared.ti.task, "do_xcom_push"):
            with self._api.acting_for(prepared.ti):
                _push(prepared, result)

    def succeed(self, prepared: Prepared) -> None:
        """Mark it as succeeded: its asset events are registered.

        Raises:
            GoneError: The user has said otherwise meanwhile.
        """
        outlets = [_profile(each) for each in prepared.ti.task.outlets]
        self._api.succeed(str(prepared.ti.id), _now(), outlets, prepared.map_label)

    def skip(self, prepared: Prepared) -> None:
        """Mark it as skipped.

        Raises:
            GoneError: The user has said otherwise meanwhile.
        """
        self._api.skip(str(prepared.ti.id), _now(), prepared.map_label)

    def _task(self, order: Order) -> Any:  # noqa: ANN401 (a serialized operator)
        # Airflow keeps them by UUID: a text would find none, and read the whole DAG for each step.
        version = uuid.UUID(str(order.ti["dag_version_id"]))
        with create_session(scoped=False) as session:
            dag = self._dags.get_dag(version, session)
        if dag is None or not dag.has_task(order.ti["task_id"]):
            message = f"the serialized DAG of version {version} is gone"
            raise NeedsWorkerError(message)
        task = dag.get_task(order.ti["task_id"])
        if task.is_mapped:
            _decode_assets(task)
        return task


def _decode_assets(task: Any) -> None:  # noqa: ANN401 (as above)
    """Make assets of what Airflow leaves encoded in a mapped task's `partial_kwargs`."""
    for name in ("inlets", "outlets"):
        if name in task.partial_kwargs:
            task.partial_kwargs[name] = [
                BaseSerialization.deserialize(each) if isinstance(each, dict) else each
                for each in task.partial_kwargs[name]
            ]


def _runtime_ti(
    order: Order,
    task: Any,  # noqa: ANN401 (as above)
    context: TIRunContext,
    started_at: dt.datetime,
) -> RuntimeTaskInstance:
    plain = SdkTaskInstance.model_validate(
        {name: each for name, each in order.ti.items() if name in SdkTaskInstance.model_fields}
    )
    return RuntimeTaskInstance.model_construct(
        **plain.model_dump(exclude_unset=True),
        task=task,
        _ti_context_from_server=context,
        max_tries=context.max_tries,
        start_date=started_at,
        state=TaskInstanceState.RUNNING,
        is_mapped=task.is_mapped,
    )


def _clear_xcoms(ti: RuntimeTaskInstance, keys: list[str]) -> None:
    for key in keys:
        XCom.delete(
            key=key,
            dag_id=ti.dag_id,
            task_id=ti.task_id,
            run_id=ti.run_id,
            map_index=ti.map_index,
        )


def _push(prepared: Prepared, result: dict[str, Any]) -> None:
    """Push the step's XCom as `task_runner._push_xcom_if_needed` does."""
    ti = prepared.ti
    if task_option(ti.task, "multiple_outputs"):
        for key, value in result.items():
            ti.xcom_push(key, value)
    whole = not ti.task.is_mapped  # of a mapped task the XComs are counted instead
    mapped_over = whole and next(ti.task.iter_mapped_dependants(), None) is not None
    XCom.set(
        key=XCom.XCOM_RETURN_KEY,
        value=result,
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run_id,
        map_index=ti.map_index,
        dag_result=prepared.template.returns_dag_result,
        _mapped_length=len(result) if mapped_over else None,
    )


def _profile(outlet: Any) -> AssetProfile:  # noqa: ANN401 (four classes of Airflow's)
    """Return what `/state` is told of an outlet, as `task_runner._build_asset_profiles` does."""
    if isinstance(outlet, SerializedAsset):
        return AssetProfile(name=outlet.name, uri=outlet.uri, type="Asset")
    if isinstance(outlet, SerializedAssetNameRef):
        return AssetProfile(name=outlet.name, type="AssetNameRef")
    if isinstance(outlet, SerializedAssetUriRef):
        return AssetProfile(uri=outlet.uri, type="AssetUriRef")
    if isinstance(outlet, SerializedAssetAlias):
        return AssetProfile(name=outlet.name, type="AssetAlias")
    message = f"expected an asset as outlet, got {type(outlet).__name__}"
    raise TypeError(message)


def _listeners() -> str:
    from airflow.sdk.listener import get_listener_manager  # noqa: PLC0415 (loads plugins)

    return "a plugin listens to task instances" if get_listener_manager().has_listeners else ""


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
