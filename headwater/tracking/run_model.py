"""The versions of models that a run makes and uses, from its start to what becomes of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from headwater.errors import InvalidInputError
from headwater.tracking.artifact_write import reference_to
from headwater.tracking.capture import Read
from headwater.tracking.model import Model
from headwater.tracking.outbox import Outbox
from headwater.tracking.run_document import RunDocument, now
from headwater.tracking.training import read_fields, trained_fields


class RunModels:
    """Versions of models in one run.

    Attributes:
        deletes: FQNs of models, new versions of which are deleted when the run fails.
    """

    def __init__(self, document: RunDocument, outbox: Outbox) -> None:
        """Make it without any."""
        self._document, self._outbox = document, outbox
        self.deletes: list[str] = []
        self._lock = Lock()  # steps may run side by side
        self._known: dict[tuple[str, str | int | None], Model] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        self._predicting: set[str] = set()
        self._failed: set[str] = set()

    def bind(self, model: Model, run: dict[str, str]) -> Model:
        """The version that a configured model is in this run: found or made once.

        Args:
            model: As it is configured.
            run: ``id`` and ``name`` of the run.
        """
        key = (model.wanted.fqn, model.wanted.version)
        with self._lock:
            known = self._known.get(key)
            if known is None:
                known = model.bound(run)
                reference = reference_to(known)
                self._known[key] = known
                if known.is_new:
                    self._document.add_outputs([reference])
                else:
                    self._document.add_input(reference)
        return known

    def may_delete(self, model: Model | None) -> bool:
        """Note that a version is deleted when the run fails, if so; answer whether that is news."""
        if model is None or not model.delete_new_version_on_failure:
            return False
        if is_new := model.wanted.fqn not in self.deletes:
            self.deletes.append(model.wanted.fqn)
        return is_new

    def step_ended(self, model: Model, *, completed: bool) -> None:
        """Note how the last step ended that was to make a version; its failure may be caught."""
        if completed:
            self._failed.discard(model.version_id)
        else:
            self._failed.add(model.version_id)

    def trained(
        self, model: Model, value: Any, arguments: Iterable[Any], reads: Sequence[Read]
    ) -> None:
        """Note what a version is, of what a step returned for it."""
        try:
            fields = trained_fields(value, arguments, reads)
        except Exception as error:  # noqa: BLE001  (an estimator's own methods may raise anything)
            message = f"{model} is not tied to its data: {type(error).__name__}: {error}"
            warnings.warn(message, stacklevel=2)
            return
        if fields is not None:
            predicts, version = callable(getattr(value, "predict", None)), model.version_id
            if predicts or version not in self._predicting:  # a scaler is not what was trained
                self._fields[version] = fields
            if predicts:
                self._predicting.add(version)

    def complete(self, reads: Sequence[Read]) -> None:
        """Record that the versions that were made are ready, and what they were trained on."""
        for model in self._made():
            if model.version_id in self._failed:
                self._discard(model)
                continue
            fields = self._fields.get(model.version_id) or read_fields(reads)
            about = {"status": "ready", "trainedAt": now(), **fields}
            try:
                self._write(model, about)
            except InvalidInputError as error:
                warnings.warn(f"{model} is not tied to its data: {error}", stacklevel=2)
                self._write(model, {k: each for k, each in about.items() if k != "mlFeatures"})

    def fail(self) -> None:
        """Record that the versions that were made are not ready; delete those that say so."""
        for model in self._made():
            self._discard(model)

    def _made(self) -> list[Model]:
        return [each for each in self._known.values() if each.is_new]

    def _discard(self, model: Model) -> None:
        if not model.delete_new_version_on_failure:
            self._write(model, {"status": "failed"})
            return
        failed = {"put": "modelVersion", "requests": [_request(model, {"status": "failed"})]}
        if self._outbox.delete_version(model.version_id, otherwise=failed):
            self._document.forget_output(reference_to(model))

    def _write(self, model: Model, about: dict[str, Any]) -> None:
        # By its name, which would bring it back.
        if not self._outbox.is_deleted(model.version_id):
            self._outbox.put("modelVersion", [_request(model, about)])


def _request(model: Model, about: dict[str, Any]) -> dict[str, Any]:
    """What changes a version."""
    version = model.resolved
    return {
        "name": version.name,
        "mlmodel": str(version.mlmodel.fully_qualified_name),
        **about,
    }
