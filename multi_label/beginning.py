"""How a student begins: with what it can have of its teacher's weights."""

from __future__ import annotations

import logging
from contextlib import closing

import keras
import numpy as np
import numpy.typing as npt

from ..backbone.factoring import has_factors, take_factors
from ..configs import Config
from ..dataset.rendered_source import RenderedSource, with_scene
from ..plate.schema import LabelSchema, load_schema
from ..training.initialise import take_over
from .classifier_model import PlateClassifier

logger = logging.getLogger(__name__)

PLATES = 192
"""How many rendered ones the teacher is shown to see which of its channels move together."""


def begin_like(
    student: PlateClassifier, teacher: keras.Model, config: Config, factors: bool = True
) -> None:
    """Takes over equal layers, and of whole convolutions the factors that the student has.

    Args:
        student: changed.
        teacher: with layers of the same names.
        config: the student's.
        factors: whether to look for factors; not where another model's come after it.
    """
    take_over(student, teacher)
    if factors and has_factors(student):
        schema = load_schema(config.model.label_schema)
        taken = take_factors(student, teacher, example_pictures(config, schema))
        logger.info("took over %d convolutions in factors", taken)


def example_pictures(config: Config, schema: LabelSchema) -> npt.NDArray[np.uint8]:
    """`PLATES` plates of car parks, as the configuration renders them: `[PLATES, h, w, 3]`."""
    with closing(RenderedSource(with_scene(config, "parking"), schema)) as source:
        return np.concatenate([images for images, _ in source.evaluation(PLATES)])
