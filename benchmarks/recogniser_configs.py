"""Which recognisers are compared, and what each is trained with."""

from __future__ import annotations

import argparse

from chepai.configs import Config, load_config

# The classifier first: it is what the others are compared with.
PRESETS = (
    "resnet18-position",
    "lprnet",
    "stn-lprnet",
    "crnn",
    "crnn-attention",
    "vgg-bilstm-ctc",
    "resnet-bilstm-ctc-narrow",
    "tps-resnet-bilstm-attn-narrow",
    "resnet-bilstm-ctc",
    "tps-resnet-bilstm-attn",
)
_VALIDATION = 1024
_SHARES = {"gate": 0.15, "parking": 0.35, "road": 0.1, "stored": 0.35, "reject": 0.05}


def configuration(preset: str, args: argparse.Namespace) -> Config:
    """The preset with the budget, and with the scenes that all share.

    Weights are averaged over 100 steps: averages over the presets' 1,000 of a budget of a few
    thousand still hold much of the random beginning, most of all of what begins to learn late.
    """
    own = [
        "optimizer.ema=0.99",
        f"train.epochs={args.epochs}",
        f"render.plates_per_epoch={args.plates}",
        f"data.workers={args.workers}",
        f"data.validation_plates={min(_VALIDATION, args.plates)}",
        *(f"render.{scene}={share}" for scene, share in _SHARES.items()),
    ]
    given = {key: getattr(args, key) for key in ("glyphs", "backgrounds")}
    own += [f"render.{key}='{folder}'" for key, folder in given.items() if folder]
    return load_config(preset, overrides=[*own, *args.settings])
