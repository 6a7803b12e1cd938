"""The multi-label classifier: one backbone, one softmax for each head of the label schema."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ..backbone import registry
from ..backbone.base import LayerStyle
from ..backbone.preprocessing import PixelScaling, Whitening
from ..configs import Config
from ..plate.schema import LabelSchema
from ..training.devices import share_of_device
from .classifier_metrics import PlateMetrics
from .head_loss import HeadLoss
from .heads import softmax_heads
from .loss_memory import LossMemory

INPUT_NAME = "image"


@keras.saving.register_keras_serializable(package="chepai")
class PlateClassifier(keras.Model):
    """A functional model that knows its schema and learns from one array of labels.

    Input: uint8 RGB `[batch, height, width, 3]`. Output: `{head name: softmax}`, each float32
    `[batch, width of the head]`. Labels for `fit` and `evaluate`: int32 `[batch, heads]` in the
    schema's order, negative where a head is masked.

    Compile it with a `HeadLoss`, which is applied to each head, and `loss_weights`, a dict from
    head names to shares (1 for the heads left out). What the loss remembers from batch to batch
    belongs to the model and is saved with it. `plate_accuracy`, `char_accuracy` and `acc_<head>`
    are always measured.

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
        schema = LabelSchema.from_dict(label_schema_config)
        self._head_weights = dict.fromkeys(schema.head_names, 1.0)
        self._head_widths = dict(zip(schema.head_names, schema.widths, strict=True))
        self.plate_metrics = PlateMetrics(schema)
        self.loss_memories: list[LossMemory] = []

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

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: keras.losses.Loss | None = None,
        loss_weights: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, with one loss for each of the heads.

        Raises:
            ValueError: `loss_weights` names a head that the schema lacks.
        """
        weights = dict(loss_weights or {})
        unknown = [name for name in weights if name not in self._head_weights]
        if unknown:
            raise ValueError(
                f"loss_weights wants names of heads: {', '.join(self._head_weights)}. "
                f"Received: {', '.join(unknown)}"
            )
        super().compile(optimizer, loss=loss, loss_weights=weights, **kwargs)
        self._head_weights = {name: weights.get(name, 1.0) for name in self._head_weights}
        self.loss_memories.clear()
        if isinstance(loss, HeadLoss):
            self.loss_memories.extend(loss.memories(self._head_widths, self._batches_per_update()))

    def _batches_per_update(self) -> int:
        # In mixed_float16 Keras wraps the optimizer in one that scales the loss.
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        return getattr(optimizer, "gradient_accumulation_steps", None) or 1

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was; Keras leaves models with a `compile` to do it."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        """The weighted sum of the heads' losses, and the regularisation.

        The loss's memories take up the batch if `training`.

        Raises:
            ValueError: the model was compiled without a loss.
        """
        del x, sample_weight
        return share_of_device(sum(self.losses)) + self.label_loss(y, y_pred, training)

    def label_loss(
        self, y: keras.KerasTensor, y_pred: Mapping[str, keras.KerasTensor], training: bool
    ) -> keras.KerasTensor:
        """The weighted sum of the heads' losses alone; otherwise as `compute_loss`."""
        if self._compile_loss is None:
            raise ValueError("compile the classifier with a HeadLoss before training it")
        rows = self._row_weights(y, y_pred, training)
        total = ops.zeros((), "float32")
        for index, (name, weight) in enumerate(self._head_weights.items()):
            if not weight:
                continue
            if rows is None:
                loss = self.loss(y[:, index], y_pred[name])
            else:
                loss = self.loss.average(y[:, index], y_pred[name], rows[:, index])
            total = total + weight * loss
        return total

    def _row_weights(
        self, y: keras.KerasTensor, y_pred: Mapping[str, keras.KerasTensor], training: bool
    ) -> keras.KerasTensor | None:
        """float32 `[batch, heads]`, what all memories together say; None: there are none."""
        if not self.loss_memories:
            return None
        labels = ops.cast(y, "int32")
        probabilities = [ops.cast(y_pred[name], "float32") for name in self._head_weights]
        weights = [
            memory.row_weights(labels, probabilities, training) for memory in self.loss_memories
        ]
        return ops.stop_gradient(functools.reduce(ops.multiply, weights))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Counts a batch; the loss and the shares so far, by name."""
        del x, sample_weight
        self.plate_metrics.update_state(y, y_pred)
        return self.get_metrics_result()

    def get_config(self) -> dict[str, Any]:
        """The layers and their connections, the schema and the configuration."""
        return {
            **super().get_config(),
            "label_schema_config": self.label_schema_config,
            "chepai_config": self.chepai_config,
            "calibration": self.calibration,
            "slimmed_from": self.slimmed_from,
        }


def build_classifier(config: Config, schema: LabelSchema) -> PlateClassifier:
    """The classifier that a configuration describes, not compiled.

        image - scaling - (whitening) - backbone - heads' view of the map - softmax per head

    Raises:
        InputError: an unknown backbone, or a bad option of it.
    """
    model = config.model
    in_loss = config.optimizer.decay == "l2"
    style = LayerStyle(
        conv_decay=model.conv_decay if in_loss else 0.0,
        gamma_decay=model.gamma_decay if in_loss else 0.0,
        gamma_l1=model.gamma_l1,
    )
    # 1. Pixels.
    image = keras.Input((model.height, model.width, 3), dtype="uint8", name=INPUT_NAME)
    x = PixelScaling(name="scaling")(image)
    if model.whitening:
        x = Whitening(name="whitening")(x)
    # 2. Features: [batch, height / 24 or so, width / 29 or so, channels].
    features = registry.build(
        model.backbone,
        x,
        conv_decay=style.conv_decay,
        gamma_decay=style.gamma_decay,
        gamma_l1=style.gamma_l1,
        **model.backbone_options,
    )
    # 3. One softmax for each head: [batch, width].
    outputs = softmax_heads(
        features,
        schema.heads,
        head=model.head,
        style=style,
        places=_places(schema),
        dropout=model.dropout,
    )
    return PlateClassifier(
        inputs=image,
        outputs=outputs,
        name=registry.canonical(model.backbone),
        label_schema_config=schema.to_dict(),
        chepai_config=config.model_dump(mode="json"),
    )


def _places(schema: LabelSchema) -> list[float | None]:
    """Where each head's character stands, 0..1 of the width; None where it is no character.

    Between the places on the longest plate and on one with a character less.
    """
    names = [head.name for head in schema.characters]
    pitch = 1 / max(1.0, len(names) - 0.5)
    places = {name: (index + 0.5) * pitch for index, name in enumerate(names)}
    return [places.get(name) for name in schema.head_names]
