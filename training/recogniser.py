"""What every trained recogniser carries with it: its schema, its configuration, what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import keras

from .random_states import RemembersRandomStates


class Recogniser(RemembersRandomStates):
    """A functional model that knows its schema and its configuration, and says so in its file.

    Input: uint8 RGB `[batch, height, width, 3]`. Labels for `fit` and `evaluate`: int32
    `[batch, heads]` in the schema's order, negative where a head is masked.

    Args:
        args, kwargs: as of a functional `keras.Model`.
        label_schema_config: `LabelSchema.to_dict()`.
        chepai_config: `Config.model_dump(mode="json")`.
        calibration: what `calibrate` found out about these weights; `fit` forgets it.
        slimmed_from: of a slimmed network the sizes, by layer, that the configuration builds and
            that slimming has changed; None: it is what the configuration builds.

    They stand in the model's configuration, and so in its `.keras` file.
    """

    def __init__(
        self,
        *args: Any,
        label_schema_config: Mapping[str, Any],
        chepai_config: Mapping[str, Any],
        calibration: Mapping[str, Any] | None = None,
        slimmed_from: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # As text, because Keras replaces the dicts among a model's attributes by its own.
        self._label_schema_json = json.dumps(label_schema_config, ensure_ascii=False)
        self._chepai_json = json.dumps(chepai_config, ensure_ascii=False)
        self._calibration_json = None if calibration is None else json.dumps(calibration)
        self._slimmed_json = json.dumps(slimmed_from)

    @property
    def label_schema_config(self) -> dict[str, Any]:
        """The schema as plain values; `LabelSchema.from_dict` reads it."""
        return json.loads(self._label_schema_json)

    @property
    def chepai_config(self) -> dict[str, Any]:
        """The configuration as plain values; `configs.parse_config` reads it."""
        return json.loads(self._chepai_json)

    @property
    def calibration(self) -> dict[str, Any] | None:
        """Temperatures and a proven threshold as plain values; None before `calibrate`."""
        return None if self._calibration_json is None else json.loads(self._calibration_json)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`; other weights are no longer calibrated."""
        self._calibration_json = None
        return super().fit(*args, **kwargs)

    @property
    def slimmed_from(self) -> dict[str, dict[str, Any]] | None:
        """Of a slimmed network the sizes that it had before: {layer: {option: value}}."""
        return json.loads(self._slimmed_json)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was; Keras leaves models with a `compile` to do it."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """The layers and their connections, the schema and the configuration."""
        return {
            **super().get_config(),
            "label_schema_config": self.label_schema_config,
            "chepai_config": self.chepai_config,
            "calibration": self.calibration,
            "slimmed_from": self.slimmed_from,
        }
