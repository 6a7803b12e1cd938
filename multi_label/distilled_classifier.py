"""A classifier that learns from teachers besides the labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ..configs import DistillConfig
from ..plate.schema import LabelSchema
from ..training.devices import share_of_device
from ..training.distillation import Teachers, characters_by_length, soft_loss
from ..training.echo import ANSWERS
from ..training.taught_source import pictures_by_size
from .classifier_model import PlateClassifier
from .last_map import LAST_MAP, map_loss, with_last_map

__all__ = ["DistilledClassifier"]


@keras.saving.register_keras_serializable(package="chepai")
class DistilledClassifier(PlateClassifier):
    """A student: each head is trained by the teachers' answers and by the labels.

        loss of a head = share * T^2 KL(teachers at T || student at T) + (1 - share) * labels' loss

    T and the share are `distill.temperature` and `distill.soft_share` of its configuration. With
    `distill.map_weight` the distance of its last map from the teacher's is added. The
    labels' loss is the configured one, masked by -1; the teachers speak about every picture,
    labelled or not. About a character they count as far as their length head sees it there:
    behind the end of a plate their softmax was never trained and says nothing.

    `fit` takes what `TaughtSource` or `EchoedSource` gives, `evaluate` plain labels. Files for
    reading hold a `PlateClassifier`; of `last.keras` a resumed training makes this one, and hands
    it its teachers again by `learn_from`.
    """

    read_as = PlateClassifier

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.distill = DistillConfig.model_validate(self.chepai_config["distill"])
        self._teachers: Teachers | None = None
        self._answers_and_map: Callable[..., Any] | None = None
        self._schema = LabelSchema.from_dict(self.label_schema_config)
        self._by_length = characters_by_length(self._schema)

    @classmethod
    def of(cls, model: PlateClassifier) -> DistilledClassifier:
        """A student with the layers and weights of a classifier that is not compiled."""
        student = cls.from_config(model.get_config())
        student.set_weights(model.get_weights())
        return student

    def learn_from(self, teachers: Teachers) -> None:
        """Names the teachers, which are no part of the student.

        With `distill.map_weight` the teacher puts out its map too (`with_last_map`).
        """
        self._teachers = teachers
        if self.distill.map_weight:
            # Only the method: Keras would take a model among the attributes for a further layer.
            self._answers_and_map = with_last_map(self).__call__

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """As every functional model; in training with `LAST_MAP` where that is to be learned."""
        if training and self._answers_and_map is not None:
            return self._answers_and_map(inputs, training=True)
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        """In training labels, teachers and regularisation; else as a `PlateClassifier`.

        Raises:
            ValueError: nobody called `learn_from`.
        """
        if not training:
            return super().compute_loss(x, _labels(y), y_pred, training=False)
        if self._teachers is None:
            raise ValueError("a student wants teachers: call learn_from before training it")
        share = self.distill.soft_share
        own, sizes = tuple(self.input_shape[1:3]), self._teachers.sizes
        asked = ANSWERS not in y
        taught = self._teachers(pictures_by_size(x, y, own, sizes)) if asked else y[ANSWERS]
        hard = self.label_loss(y["labels"], y_pred, training)
        learned = share * self._soft_loss(taught, y_pred) + (1.0 - share) * hard
        if self.distill.map_weight:
            distance = map_loss(taught[LAST_MAP], y_pred[LAST_MAP])
            learned = learned + self.distill.map_weight * distance
        return share_of_device(sum(self.losses)) + learned

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Against the labels alone."""
        return super().compute_metrics(x, _labels(y), y_pred)

    def _soft_loss(
        self, taught: dict[str, keras.KerasTensor], answered: dict[str, keras.KerasTensor]
    ) -> keras.KerasTensor:
        """The weighted sum of the heads' soft losses."""
        seen = self._seen(taught)
        total = ops.zeros((), "float32")
        for name, weight in self._head_weights.items():
            if weight:
                loss = soft_loss(taught[name], answered[name], self.distill.temperature, seen[name])
                total = total + weight * loss
        return total

    def _seen(self, taught: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """float32 `[batch]` by head: how surely the teachers see what the head is to name."""
        heads = self._schema.heads
        seen = {head.name: ops.ones_like(taught[head.name][:, 0]) for head in heads}
        length = self._schema.head_of("length")
        if length is None or self._by_length is None:
            return seen
        there = ops.matmul(taught[length.name], np.asarray(self._by_length))
        for place, head in enumerate(self._schema.characters):
            seen[head.name] = there[:, place]
        return seen


def _labels(y: Any) -> Any:
    """Of a batch's targets the labels; Keras on JAX tries evaluation with a training batch too."""
    return y["labels"] if isinstance(y, dict) else y
