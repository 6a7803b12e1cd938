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


# What all rows share besides the preset's own values; each row changes one thing of it.
BASELINE = (
    "model.height=32",
    "model.width=96",
    "model.whitening=false",
    "model.conv_decay=0",
    "model.gamma_decay=0",
    "augment.enabled=false",
    "loss.name=cross_entropy",
    "optimizer.name=radam",
    "optimizer.schedule=cosine",
    "optimizer.warmup_epochs=0.5",
    "train.batch_size=64",
)
_DECAY = "model.conv_decay=5e-4"
_GAMMA_L1 = "model.gamma_l1=1e-4"
_LAST_384 = "model.backbone_options={widths: [64, 128, 256, 384]}"
_BACKBONES = {
    "resnet18-v2": "pre-activation",
    "resnext18": "grouped convolutions of four sizes, the original's",
    "resnext18-32x4d": "the paper's ResNeXt block",
    "mixnet18": "depthwise convolutions of four sizes, the original's",
    "mobilenet": "version 1",
    "mobilenet-v2": "version 2",
    "mobilenet-v3-small": "version 3, small",
    "mobilenet-v3-large": "version 3, large",
}

ROWS = (
    Row("baseline", "ResNet18, cross-entropy, RAdam, nothing else"),
    # What is taken from the weights.
    Row("weight-decay", "L2 5e-4 of convolution kernels", (_DECAY,)),
    Row("weight-decay-large", "L2 5e-3 of convolution kernels", ("model.conv_decay=5e-3",)),
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
    Row("label-smoothing-large", "label smoothing 0.1", ("loss.label_smoothing=0.1",)),
    Row("focal", "focal loss, gamma 2", ("loss.name=focal",)),
    Row("ghm", "GHM, one histogram of all heads", ("loss.name=ghm",)),
    Row("ghm-label-wise", "GHM, one histogram a head", ("loss.name=ghm-label-wise",)),
    # How it is minimised.
    Row("adam", "Adam (AMSGrad)", ("optimizer.name=adam",)),
    Row("sgd", "SGD, Nesterov, rate 0.05",
        ("optimizer.name=sgd", "optimizer.learning_rate=0.05")),
    Row("no-warm-up", "RAdam without warm-up", ("optimizer.warmup_epochs=0",)),
    Row("long-warm-up", "RAdam, three times the warm-up", ("optimizer.warmup_epochs=1.5",)),
    Row("adam-no-warm-up", "Adam without warm-up",
        ("optimizer.name=adam", "optimizer.warmup_epochs=0")),
    Row("batch-256", "batches of 256 at the same rate", ("train.batch_size=256",)),
    Row("batch-256-rate", "batches of 256 at four times the rate",
        ("train.batch_size=256", "optimizer.learning_rate=4e-3")),
    # The network.
    Row("pooled", "one averaged vector for all heads, the original's", ("model.head=pooled",)),
    Row("last-384", "last stage of 384 channels in place of 512", (_LAST_384,)),
    *(
        Row(name, f"backbone: {what}", (f"model.backbone={name}",))
        for name, what in _BACKBONES.items()
    ),
    Row("gamma-l1", "L1 1e-4 of BN gammas, as slimming wants it", (_GAMMA_L1,)),
    Row("slimmed", "the same, half of the multiplications removed, one epoch of fine-tuning",
        (_GAMMA_L1,), slim=0.5, fine_tuning=1),
    # All that the author recommends, together.
    Row("recipe", "the author's: decay 5e-4, gammas 1e-3, whitening, augmentation, GHM a head, 384",
        (_DECAY, "model.gamma_decay=1e-3", "model.whitening=true", "augment.enabled=true",
         "loss.name=ghm-label-wise", _LAST_384)),
    Row("recipe-cross-entropy", "the same with cross-entropy",
        (_DECAY, "model.gamma_decay=1e-3", "model.whitening=true", "augment.enabled=true",
         _LAST_384)),
)  # fmt: skip


def row_names() -> tuple[str, ...]:
    """The names of all rows, in the order of the table."""
    return tuple(row.name for row in ROWS)
