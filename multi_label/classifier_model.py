"""The multi-label classifier: one backbone, one softmax for each head of the label schema."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ..backbone import registry
from ..backbone.entrance import pixels, style_of
from ..configs import Config
from ..plate.schema import LabelSchema
from ..training.devices import share_of_device
from ..training.plate_metrics import PlateMetrics
from ..training.recogniser import Recogniser
from .head_loss import HeadLoss
from .heads import softmax_heads
from .loss_memory import LossMemory


@keras.saving.register_keras_serializable(package="chepai")
class PlateClassifier(Recogniser):
    """A recogniser with a softmax for each head, which learns from one array of labels.

    Output: `{head name: softmax}`, each float32 `[batch, width of the head]`.

    Compile it with a `HeadLoss`, which is applied to each head, and `loss_weights`, a dict from
    head names to shares (1 for the heads left out). What the loss remembers from batch to batch
    belongs to the model and is saved with it. `plate_accuracy`, `char_accuracy` and `acc_<head>`
    are always measured.

    Args:
        args, kwargs: as of `Recogniser`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        schema = LabelSchema.from_dict(self.label_schema_config)
        self._head_weights = dict.fromkeys(schema.head_names, 1.0)
        self._head_widths = dict(zip(schema.head_names, schema.widths, strict=True))
        self.plate_metrics = PlateMetrics(schema)
        self.loss_memories: list[LossMemory] = []

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


def build_classifier(config: Config, schema: LabelSchema) -> PlateClassifier:
    """The classifier that a configuration describes, not compiled.

        image - scaling - (whitening) - (rectifier) - backbone - heads' view of the map - softmaxes

    Raises:
        InputError: an unknown backbone, or a bad option of it or of the rectifier.
    """
    model = config.model
    style = style_of(config)
    # 1. Pixels.
    image, x = pixels(config, style)
    # 2. Features: [batch, height / 24 or so, width / 29 or so, channels].
    features = registry.build(
        model.backbone,
        x,
        conv_decay=style.conv_decay,
        gamma_decay=style.gamma_decay,
        gamma_l1=style.gamma_l1,
        **model.backbone_options,
    )
    if model.neck:
        features = style.conv_norm(features, model.neck, 1, name="neck")
        features = keras.layers.ReLU(name="neck_relu")(features)
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
