"""A classifier that learns from teachers besides the labels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ..configs import DistillConfig
from ..plate.schema import LabelSchema
from ..training.devices import share_of_device
from ..training.distillation import Teachers, characters_by_length, soft_loss
from ..training.taught_source import pictures_key
from .classifier_model import PlateClassifier

__all__ = ["DistilledClassifier"]


@keras.saving.register_keras_serializable(package="chepai")
class DistilledClassifier(PlateClassifier):
    """A student: each head is trained by the teachers' answers and by the labels.

        loss of a head = share * T^2 KL(teachers at T || student at T) + (1 - share) * labels' loss

    T and the share are `distill.temperature` and `distill.soft_share` of its configuration. The
    labels' loss is the configured one, masked by -1; the teachers speak about every picture,
    labelled or not. About a character they count as far as their length head sees it there:
    behind the end of a plate their softmax was never trained and says nothing.

    `fit` takes what `TaughtSource` gives, `evaluate` plain labels. Files for reading hold a
    `PlateClassifier`; of `last.keras` a resumed training makes this one, and hands it its
    teachers again by `learn_from`.
    """

    read_as = PlateClassifier

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.distill = DistillConfig.model_validate(self.chepai_config["distill"])
        self._teachers: Teachers | None = None
        self._schema = LabelSchema.from_dict(self.label_schema_config)
        self._by_length = characters_by_length(self._schema)

    @classmethod
    def of(cls, model: PlateClassifier) -> DistilledClassifier:
        """A student with the layers and weights of a classifier that is not compiled."""
        student = cls.from_config(model.get_config())
        student.set_weights(model.get_weights())
        return student

    def learn_from(self, teachers: Teachers) -> None:
        """Names the teachers, which are no part of the student."""
        self._teachers = teachers

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
            return super().compute_loss(x, y, y_pred, training=False)
        if self._teachers is None:
            raise ValueError("a student wants teachers: call learn_from before training it")
        share = self.distill.soft_share
        own = tuple(self.input_shape[1:3])
        pictures = {size: x if size == own else y[pictures_key(size)] for size in self._sizes()}
        hard = self.label_loss(y["labels"], y_pred, training)
        soft = self._soft_loss(self._teachers(pictures), y_pred)
        return share_of_device(sum(self.losses)) + share * soft + (1.0 - share) * hard

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Against the labels alone."""
        labels = y["labels"] if isinstance(y, dict) else y
        return super().compute_metrics(x, labels, y_pred)

    def _sizes(self) -> set[tuple[int, int]]:
        return set() if self._teachers is None else set(self._teachers.sizes)

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
