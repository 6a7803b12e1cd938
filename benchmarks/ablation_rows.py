"""The rows of the table: what the original's author tried, as overrides of one baseline."""

from __future__ import annotations

from dataclasses import dataclass

PRESET = "resnet18"


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        overrides: over the baseline's, as `--set` takes them.
        slim: the share of multiplications that `prune` removes afterwards; 0: none.
        fine_tuning: epochs after that, which are taken off the training's.
    """

    name: str
    title: str
    overrides: tuple[str, ...] = ()
    slim: float = 0.0
    fine_tuning: int = 0


# Quarters of the published channels, on a map of 2 x 12: with the published strides 1 x 3 remain
# of 32 x 96 pixels, from which nothing reads a plate after some minutes.
_STRIDES = "stem_pool: false, strides: [1, 2, 2, [2, 1]]"
_WIDTHS = "widths: [16, 32, 64, 128]"
_HALVINGS = "strides: [2, 2, 2, [2, 1], 1]"


def _options(*options: str) -> str:
    return f"model.backbone_options={{{', '.join(options)}}}"


# What all rows share besides the preset's own values; each row changes one thing of it.
BASELINE = (
    "model.height=32",
    "model.width=96",
    _options(_STRIDES, _WIDTHS),
    "model.whitening=false",
    "model.conv_decay=0",
    "model.gamma_decay=0",
    "augment.enabled=false",
    "loss.name=cross_entropy",
    "optimizer.name=radam",
    "optimizer.learning_rate=3e-3",
    "optimizer.schedule=cosine",
    "optimizer.warmup_epochs=0.5",
    "train.batch_size=32",
    "render.gate=0.6",
    "render.parking=0.35",
    "render.road=0",
    "render.stored=0",
    "render.reject=0.05",
)
_DECAY = "model.conv_decay=5e-4"
_LAST_384 = _options(_STRIDES, "widths: [16, 32, 64, 96]")
_BACKBONES = (
    ("resnet18-v2", "pre-activation", (_STRIDES, _WIDTHS)),
    ("resnext18", "grouped convolutions of four sizes, the original's", (_STRIDES, _WIDTHS)),
    ("resnext18-32x4d", "the paper's ResNeXt block, 4 groups",
     (_STRIDES, "groups: 4, stem_width: 16, widths: [32, 64, 128, 256]")),
    ("mixnet18", "depthwise convolutions of four sizes, the original's", (_STRIDES, _WIDTHS)),
    ("mobilenet", "version 1, half of its channels", (_HALVINGS, "alpha: 0.5")),
    ("mobilenet-v2", "version 2, half of its channels",
     (_HALVINGS, "alpha: 0.5, last_width: 320")),
    ("mobilenet-v3-small", "version 3, small", (_HALVINGS,)),
    ("mobilenet-v3-large", "version 3, large, half of its channels", (_HALVINGS, "alpha: 0.5")),
)  # fmt: skip

ROWS = (
    Row("baseline", "ResNet18, cross-entropy, RAdam, nothing else"),
    # What is taken from the weights.
    Row("weight-decay", "L2 5e-4 of convolution kernels", (_DECAY,)),
    Row("gamma-1e-6", "L2 1e-6 of BN gammas", ("model.gamma_decay=1e-6",)),
    Row("gamma-1e-5", "L2 1e-5 of BN gammas", ("model.gamma_decay=1e-5",)),
    Row("gamma-1e-4", "L2 1e-4 of BN gammas", ("model.gamma_decay=1e-4",)),
    Row("gamma-1e-3", "L2 1e-3 of BN gammas", ("model.gamma_decay=1e-3",)),
    # What is done to the pictures.
    Row("whitening", "each picture standardised", ("model.whitening=true",)),
    Row("augmentation", "pictures augmented", ("augment.enabled=true",)),
    # What is minimised.
    Row("label-smoothing", "label smoothing 0.005 (the original's)",
        ("loss.label_smoothing=0.005",)),
    Row("focal", "focal loss, gamma 2", ("loss.name=focal",)),
    Row("ghm", "GHM, one histogram of all heads", ("loss.name=ghm",)),
    Row("ghm-label-wise", "GHM, one histogram a head", ("loss.name=ghm-label-wise",)),
    # How it is minimised.
    Row("adam", "Adam (AMSGrad)", ("optimizer.name=adam",)),
    Row("no-warm-up", "RAdam without warm-up", ("optimizer.warmup_epochs=0",)),
    Row("long-warm-up", "RAdam, three times the warm-up", ("optimizer.warmup_epochs=1.5",)),
    Row("batch-128", "batches of 128 at the same rate", ("train.batch_size=128",)),
    # The network.
    Row("last-384", "last stage of 96 channels in place of 128, as the original's 384 of 512",
        (_LAST_384,)),
    *(
        Row(name, f"backbone: {what}", (f"model.backbone={name}", _options(*options)))
        for name, what, options in _BACKBONES
    ),
    Row("slimmed", "L1 1e-4 of BN gammas, then half of the multiplications removed, and one of the "
        "epochs as fine-tuning", ("model.gamma_l1=1e-4",), slim=0.5, fine_tuning=1),
    # All that the author recommends, together.
    Row("recipe", "the author's: decay 5e-4, gammas 1e-3, whitening, augmentation, GHM a head, 384",
        (_DECAY, "model.gamma_decay=1e-3", "model.whitening=true", "augment.enabled=true",
         "loss.name=ghm-label-wise", _LAST_384)),
)  # fmt: skip


def row_names() -> tuple[str, ...]:
    """The names of all rows, in the order of the table."""
    return tuple(row.name for row in ROWS)
