"""The named presets, as data: what each changes of the configuration's defaults."""

from __future__ import annotations

from typing import Any

_SHORT_SCHEDULE: dict[str, Any] = {"name": "adam", "schedule": "cosine", "warmup_epochs": 0.5}
# Of a picture 144 wide 18 columns remain: the characters keep their places.
_WIDE_MAP: dict[str, Any] = {"stem_pool": False, "strides": [1, 2, 2, [2, 1]]}
_POSITION: dict[str, Any] = {
    **_WIDE_MAP,
    "stem_width": 32,
    "widths": [32, 64, 128, 256],
    "blocks": [1, 2, 2, 2],
}
_LONG_TRAINING: dict[str, Any] = {"epochs": 24, "precision": "auto"}
_SMALL_CROPS = {"gate": 0.15, "parking": 0.1, "road": 0.1, "stored": 0.6, "reject": 0.05}
_TAUGHT: dict[str, Any] = {
    "render": {"gate": 0.15, "parking": 0.25, "road": 0.1, "stored": 0.45, "reject": 0.05},
    "loss": {"first_weight": 3.0},
    "train": _LONG_TRAINING,
}

PRESETS: dict[str, dict[str, Any]] = {
    "resnet18": {},
    "original": {
        "model": {"label_schema": "original", "head": "pooled", "gamma_decay": 1e-3},
        "optimizer": {"name": "radam", "schedule": "steps"},
    },
    "resnet18-position": {
        "model": {
            "backbone_options": _POSITION,
            "conv_decay": 1e-5,
        },
        "render": _SMALL_CROPS,
        # Provinces of small pictures are most of what such a network still misreads.
        "loss": {"first_weight": 3.0},
        "optimizer": {**_SHORT_SCHEDULE, "learning_rate": 3e-3, "ema": 0.999},
        "train": _LONG_TRAINING,
    },
    # A tenth of ResNet18's multiplications: to be taught by a larger model (mode `distill`). Its
    # first block halves the map: a narrow one on the whole took two fifths of int8's convolving.
    # Its neck is as wide as the last map of `resnet18-position`, whose heads it can begin with.
    "student": {
        "model": {
            "backbone_options": {
                "stem_pool": False,
                "strides": [2, 1, 2, [2, 1]],
                "stem_width": 16,
                "widths": [20, 32, 56, 60],
                "blocks": [1, 1, 2, 1],
            },
            "neck": 256,
            "conv_decay": 1e-5,
        },
        **_TAUGHT,
        "distill": {"echo": 6},
        "optimizer": {**_SHORT_SCHEDULE, "learning_rate": 4e-3, "ema": 0.999},
    },
    # As few multiplications, by `resnet18-position` with its convolutions in factors, which begin
    # as the teacher's: nearer to it than `student` after less training, and slower to read.
    "student-low-rank": {
        "model": {
            "backbone_options": {
                **_POSITION,
                "ranks": [[5, 8], [10, 16], [22, 30], [34, 48]],
                "mixed_kernels": 3,
            },
            "conv_decay": 1e-5,
        },
        **_TAUGHT,
        "distill": {"echo": 4, "map_weight": 100.0},
        "optimizer": {**_SHORT_SCHEDULE, "learning_rate": 2e-3, "ema": 0.999},
    },
    # Trains in a quarter of an hour on two cores: what `make train` shows.
    "quick": {
        "model": {
            "backbone_options": {
                **_WIDE_MAP,
                "stem_width": 16,
                "widths": [16, 48, 96, 128],
                "blocks": [1, 1, 1, 1],
            },
            "conv_decay": 1e-5,
        },
        "render": {
            "gate": 0.82,
            "parking": 0.1,
            "road": 0.03,
            "stored": 0.0,
            "reject": 0.05,
            "plates_per_epoch": 20_000,
        },
        "optimizer": {**_SHORT_SCHEDULE, "learning_rate": 4e-3, "ema": 0.99},
        "train": {"epochs": 9},
    },
}
# Each other backbone with its default options, trained as `resnet18` is.
_OTHER_BACKBONES = (
    "resnet18-v2", "resnext18", "resnext18-32x4d", "mixnet18", "mobilenet", "mobilenet-v2",
    "mobilenet-v3-small", "mobilenet-v3-large",
)  # fmt: skip
PRESETS |= {name: {"model": {"backbone": name}} for name in _OTHER_BACKBONES}
# Recognisers of sequences: their published inputs and structures.
_BOX: dict[str, Any] = {"height": 24, "width": 94, "conv_decay": 2e-5, "gamma_decay": 0.0}
_LINE: dict[str, Any] = {"height": 32, "width": 100, "conv_decay": 1e-5, "gamma_decay": 0.0}
_COLUMNS: dict[str, Any] = {
    "family": "ctc",
    "render": _SMALL_CROPS,
    "loss": {"first_weight": 3.0},
    "optimizer": {**_SHORT_SCHEDULE, "learning_rate": 1e-3, "ema": 0.999, "clip_norm": 5.0},
    "train": {**_LONG_TRAINING, "batch_size": 128},
}
_WRITTEN: dict[str, Any] = {**_COLUMNS, "family": "attention"}
_LPRNET: dict[str, Any] = {
    **_COLUMNS,
    "optimizer": {**_COLUMNS["optimizer"], "name": "rmsprop"},
}
_NARROW: dict[str, Any] = {"width": 160, "hidden": 96, "blocks": [1, 1, 2, 1], "unfold": True}
PRESETS |= {
    "lprnet": {**_LPRNET, "model": {**_BOX, "backbone": "lprnet", "dropout": 0.5}},
    "stn-lprnet": {
        **_LPRNET,
        "model": {**_BOX, "backbone": "lprnet", "dropout": 0.5, "rectifier": "stn"},
    },
    "crnn": {**_COLUMNS, "model": {**_LINE, "backbone": "crnn"}},
    # Of 64 plates it reads 92 % of the characters after 175 steps; at 1e-3 it was 9 %.
    "crnn-attention": {
        **_COLUMNS,
        "model": {**_LINE, "backbone": "crnn-attention", "dropout": 0.1},
        "optimizer": {**_COLUMNS["optimizer"], "learning_rate": 3e-4},
    },
    "vgg-bilstm-ctc": {**_COLUMNS, "model": {**_LINE, "backbone": "vgg-bilstm"}},
    "resnet-bilstm-ctc": {**_COLUMNS, "model": {**_LINE, "backbone": "resnet-bilstm"}},
    "tps-resnet-bilstm-attn": {
        **_WRITTEN,
        "model": {**_LINE, "backbone": "resnet-bilstm", "rectifier": "tps"},
    },
    # A twentieth of the published ones' multiplications: what two cores train in a night.
    "resnet-bilstm-ctc-narrow": {
        **_COLUMNS,
        "model": {**_LINE, "backbone": "resnet-bilstm", "backbone_options": _NARROW},
    },
    "tps-resnet-bilstm-attn-narrow": {
        **_WRITTEN,
        "model": {
            **_LINE,
            "backbone": "resnet-bilstm",
            "backbone_options": _NARROW,
            "rectifier": "tps",
            "rectifier_options": {"width": 16},
        },
    },
}
DEFAULT_PRESET = "quick"
# The original's spellings of backbones and of their presets (its `mobilenet-v2` is ours too).
ALIASES = {
    "resnet-18": "resnet18",
    "resnet-18-v2": "resnet18-v2",
    "resnext-18": "resnext18",
    "mixnet-18": "mixnet18",
}
