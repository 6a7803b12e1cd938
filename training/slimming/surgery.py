"""Takes channels out of a Keras model, or silences them, by what was chosen."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ...errors import InputError
from .channels import ChannelGraph, Kept

# What a layer's configuration says of its width.
_SIZES = ("filters", "units", "groups", "sizes", "target_shape")


def narrowed(model: keras.Model, graph: ChannelGraph, kept: Kept) -> keras.Model:
    """A new model without the channels of the bundles that are not kept.

    It answers as `silenced` does, up to the order of sums. A model that has the attribute
    `slimmed_from` remembers there the sizes of each layer that has changed.
    """
    sizes = graph.sizes(kept)
    config = model.get_config()
    # Other weights are no longer calibrated.
    config.pop("calibration", None)
    if hasattr(model, "slimmed_from"):
        whole = graph.sizes(graph.everything())
        changed = {name: whole[name] for name in sizes if sizes[name] != whole[name]}
        # A second slimming does not forget the first.
        config["slimmed_from"] = changed | (model.slimmed_from or {})
    slim = _rebuilt(model, config, sizes)
    for layer, source in zip(slim.layers, model.layers, strict=True):
        layer.set_weights(_narrow_weights(source, graph, kept))
    return slim


def silenced(model: keras.Model, graph: ChannelGraph, kept: Kept) -> keras.Model:
    """A copy whose gammas and betas are zero for every channel that is not kept."""
    copy = _rebuilt(model, model.get_config(), {})
    for layer, source in zip(copy.layers, model.layers, strict=True):
        layer.set_weights(source.get_weights())
        if layer.name in graph.gammas:
            stays = kept[graph.gammas[layer.name]].astype("float32")
            for variable in (layer.gamma, layer.beta):
                if variable is not None:
                    variable.assign(variable * stays)
    return copy


def narrowed_like(fresh: keras.Model, slimmed: keras.Model) -> keras.Model:
    """A model with the layers and settings of `fresh` and the widths of `slimmed`, untrained.

    Raises:
        InputError: `fresh` lacks a layer that slimming has changed: it is another network.
    """
    changed = slimmed.slimmed_from or {}
    sizes: dict[str, dict[str, Any]] = {}
    for layer in slimmed.get_config()["layers"]:
        if layer["name"] in changed:
            values = layer["config"]
            sizes[layer["name"]] = {key: values[key] for key in _SIZES if key in values}
    missing = sorted(set(sizes) - {layer.name for layer in fresh.layers})
    if missing:
        raise InputError(
            f"the slimmed network is another one than the configuration's: {missing[0]} is not "
            "part of it; give the preset and the options that it was trained with"
        )
    config = fresh.get_config()
    config["slimmed_from"] = changed
    return _rebuilt(fresh, config, sizes)


def _rebuilt(
    model: keras.Model, config: dict[str, Any], sizes: dict[str, dict[str, Any]]
) -> keras.Model:
    """A model of the same class, connections and options, with other widths."""
    for layer in config["layers"]:
        # It holds the shapes of the old weights.
        layer.pop("build_config", None)
        layer["config"] |= sizes.get(layer["name"], {})
    return type(model).from_config(config)


def _narrow_weights(
    layer: keras.Layer, graph: ChannelGraph, kept: Kept
) -> list[npt.NDArray[np.float32]]:
    axes = graph.axes_of(layer.name)
    weights = []
    for variable, values in zip(layer.weights, layer.get_weights(), strict=True):
        for axis in axes:
            if axis.weight == variable.name:
                values = np.compress(kept[axis.bundles], values, axis.axis)  # noqa: PLW2901
        weights.append(values)
    return weights
