"""What TensorFlow's own programs run: SavedModels for TensorFlow Serving, and frozen graphs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeAlias

from ..frameworks import import_tensorflow

# Of the outputs, in the card's order.
Names: TypeAlias = Collection[str]


def write_saved_model(model: Any, folder: Path, names: Names, batch: int | None = None) -> None:
    """Writes a SavedModel with two signatures.

    `serving_default`: `image` uint8 [batch, h, w, 3] to a softmax for each head, by its name.
    `predict`: `images` to `class_0`, `class_1`, …, the same in the schema's order, as clients of
    the original call it.

    Args:
        model: a Keras model of chepai in float32.
        folder: of one version; must not exist.
        batch: pictures in every run; None: any number.
    """
    tf = import_tensorflow()
    image = _image(tf, model, batch)
    run = tf.function(lambda image: _heads(tf, model, image, names))

    def numbered(images: Any) -> dict[str, Any]:
        heads = _heads(tf, model, images, names)
        return {f"class_{index}": heads[name] for index, name in enumerate(names)}

    signatures = {
        "serving_default": run.get_concrete_function(image=image),
        "predict": tf.function(numbered).get_concrete_function(images=_renamed(tf, image)),
    }
    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, str(folder), signatures=signatures)


def write_frozen_graph(model: Any, path: Path, names: Names, batch: int | None = None) -> None:
    """Writes a GraphDef whose weights are constants: input `image:0`, outputs `<head>:0`."""
    function = frozen_function(model, names, batch)
    path.write_bytes(function.graph.as_graph_def().SerializeToString())


def write_constant_saved_model(
    model: Any, folder: Path, names: Names, batch: int | None = None
) -> None:
    """As `write_saved_model` with the first signature alone, and weights that are constants."""
    tf = import_tensorflow()
    function = frozen_function(model, names, batch)

    def run(image: Any) -> dict[str, Any]:
        return dict(zip(names, function(image), strict=True))

    signature = tf.function(run).get_concrete_function(image=_image(tf, model, batch))
    tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": signature})


def frozen_function(model: Any, names: Names, batch: int | None) -> Any:
    """The model as a function of the pictures that holds its weights and gives a list of heads."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    tf = import_tensorflow()

    def run(image: Any) -> list[Any]:
        heads = _heads(tf, model, image, names)
        return [tf.identity(heads[name], name=name) for name in names]

    function = tf.function(run).get_concrete_function(_image(tf, model, batch))
    return convert_variables_to_constants_v2(function, aggressive_inlining=True)


def _image(tf: Any, model: Any, batch: int | None) -> Any:
    return tf.TensorSpec((batch, *model.input_shape[1:]), tf.uint8, name="image")


def _renamed(tf: Any, image: Any) -> Any:
    return tf.TensorSpec(image.shape, image.dtype, name="images")


def _heads(tf: Any, model: Any, image: Any, names: Names) -> dict[str, Any]:
    outputs = model(image, training=False)
    return {name: tf.cast(outputs[name], tf.float32) for name in names}
