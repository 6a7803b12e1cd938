"""Every encoder at its published input but with few channels, so that tests take seconds."""

from __future__ import annotations

from typing import Any

from chepai.configs import Config, load_config, parse_config

WIDTHS: dict[str, dict[str, Any]] = {
    "lprnet": {"widths": [16, 16, 32, 32]},
    "crnn": {"width": 32, "hidden": 8},
    "crnn-attention": {"width": 32, "heads": 2},
    "vgg-bilstm": {"width": 32, "hidden": 8},
    "resnet-bilstm": {"width": 32, "hidden": 8, "blocks": [1, 1, 1, 1]},
}
PRESETS = (
    "lprnet",
    "stn-lprnet",
    "crnn",
    "crnn-attention",
    "vgg-bilstm-ctc",
    "resnet-bilstm-ctc",
    "resnet-bilstm-ctc-narrow",
    "tps-resnet-bilstm-attn",
)


def narrow_config(preset: str, **sections: dict[str, Any]) -> Config:
    """A preset with few channels; keywords are values over its sections."""
    values = load_config(preset).model_dump(mode="json")
    model = values["model"]
    model["backbone_options"] |= WIDTHS[model["backbone"]]
    if model["rectifier"] != "none":
        model["rectifier_options"] = {"width": 4}
    for section, over in sections.items():
        values[section] |= over
    return parse_config(values)
