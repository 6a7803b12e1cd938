"""The validated, frozen configuration and the named presets. Loads no framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .config_errors import sentence_of, suggestion
from .config_overrides import merge, parse_overrides
from .errors import InputError, quoted
from .presets import ALIASES, DEFAULT_PRESET, PRESETS
from .yaml_text import line_of, read_yaml


class _Section(BaseModel):
    """Frozen; unknown keys and numbers without end are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelConfig(_Section):
    """The network: its schema, input, backbone and head."""

    label_schema: str = Field("cn", description="`cn`, `original`, or the path of a YAML file")
    height: int = Field(48, ge=16, le=256, description="input height, pixels")
    width: int = Field(144, ge=32, le=1024, description="input width, pixels")
    whitening: bool = Field(True, description="per-image standardisation inside the model")
    rectifier: Literal["none", "stn", "tps"] = Field(
        "none",
        description="what straightens the picture first: `stn`: a spatial transformer, which "
        "learns an affine map; `tps`: thin-plate splines, which also bend",
    )
    rectifier_options: dict[str, Any] = Field(
        default_factory=dict, description="options of the rectifier's builder"
    )
    backbone: str = Field(
        "resnet18",
        description="a registered backbone; of families `ctc` and `attention` an encoder",
    )
    backbone_options: dict[str, Any] = Field(
        default_factory=dict, description="options of the backbone's or encoder's builder"
    )
    head: Literal["pooled", "attention", "flatten"] = Field(
        "attention",
        description="of `multi_label`: `pooled`: one averaged vector (the original's); "
        "`attention`: each head looks where its character is, and all share what characters look "
        "like; `flatten`: each head sees the whole map",
    )
    neck: int = Field(
        0,
        ge=0,
        description="of `multi_label`: channels of a 1x1 convolution between backbone and heads, "
        "so that a narrow student can have a wide teacher's heads; 0: none",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="before the softmax layers")
    conv_decay: float = Field(5e-4, ge=0, description="L2 of convolution kernels")
    gamma_decay: float = Field(1e-5, ge=0, description="L2 of batch normalisation gammas")
    gamma_l1: float = Field(
        0.0,
        ge=0,
        description="L1 of the same, in the loss whatever `optimizer.decay`: it empties needless "
        "channels before `prune` (1e-5 to 1e-3)",
    )


class RenderConfig(_Section):
    """Rendered training plates: where glyphs come from and what scenes are mixed."""

    glyphs: str | None = Field(None, description="folder of glyph images; none: open fonts")
    backgrounds: str | None = Field(None, description="folder of scene pictures; none: drawn")
    gate: float = Field(0.20, ge=0, description="share of frontal, near, lit plates")
    parking: float = Field(0.30, ge=0, description="share of angled, shadowed, night plates")
    road: float = Field(0.20, ge=0, description="share of far, blurred, hazy plates")
    stored: float = Field(0.25, ge=0, description="share of tight crops scaled to a small size")
    handheld: float = Field(
        0.0, ge=0, description="share of parked cars from beside, mostly stored in 94 x 24 pixels"
    )
    reject: float = Field(0.05, ge=0, description="share of truncated plates, signs, scenes")
    two_rows: float | None = Field(None, ge=0, le=1, description="share of two rows; none: a fifth")
    plates_per_epoch: int = Field(25_000, ge=1, description="fresh plates in one epoch")


class DataConfig(_Section):
    """Where plates come from. No `train` means rendered plates."""

    train: tuple[str, ...] = Field((), description="label files, folders, TFRecords or .npy arrays")
    validation: tuple[str, ...] = Field((), description="as `train`, for choosing the best epoch")
    rendered_share: float = Field(
        0.0, ge=0, lt=1, description="share of rendered plates mixed into `train`"
    )
    validation_plates: int = Field(2000, ge=1, description="rendered ones where none are given")
    workers: int = Field(2, ge=0, description="processes that read or render; 0: in this one")
    shuffle_buffer: int = Field(20_000, ge=1, description="records, for TFRecords")
    cache: bool = Field(
        False, description="keep decoded pictures of label files and folders in memory"
    )


class AugmentConfig(_Section):
    """Strength of each augmentation of real or stored plates; 0 switches one off.

    `noise` and `colour` at 1 are the original's ranges.
    """

    enabled: bool = True
    noise: float = Field(1.0, ge=0, description="salt and pepper p 0.01, or Gaussian std 0.01")
    colour: float = Field(1.0, ge=0, description="brightness 30/255, contrast, saturation 0.1")
    perspective: float = Field(0.5, ge=0, description="corners move by up to 10 % of the size")
    rotation: float = Field(0.5, ge=0, description="up to 10 degrees")
    shear: float = Field(0.5, ge=0, description="up to 15 degrees")
    slope: float = Field(
        0.0, ge=0, description="text climbs by up to 12 degrees, as a tilted plate's in its box"
    )
    shift: float = Field(0.5, ge=0, description="up to 8 % of the size")
    scale: float = Field(0.5, ge=0, description="up to 15 %")
    motion_blur: float = Field(0.5, ge=0, description="up to 7 pixels")
    gaussian_blur: float = Field(0.5, ge=0, description="sigma up to 1.5 pixels")
    low_resolution: float = Field(0.5, ge=0, description="down to a third of the size")
    coarse: float = Field(
        0.0, ge=0, le=1, description="probability of passing through 94 x 24 pixels, linearly"
    )
    jpeg: float = Field(0.5, ge=0, description="quality down to 20")
    shadow: float = Field(0.5, ge=0, description="a darker half plane, down to 40 %")
    hue: float = Field(0.2, ge=0, description="up to 18 degrees")
    grey: float = Field(0.1, ge=0, le=1, description="probability of a grey picture")
    erasing: float = Field(0.2, ge=0, description="probability of a patch up to 10 % of the area")


class LossConfig(_Section):
    """What is minimised."""

    name: Literal["cross_entropy", "focal", "focal-sigmoid", "ghm", "ghm-label-wise"] = Field(
        "cross_entropy",
        description="`focal`: of the softmax, `focal-sigmoid`: of each class by itself; `ghm`: "
        "one histogram of gradients over all heads, `ghm-label-wise`: one for each head",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="of every loss; original's 0.005")
    focal_gamma: float = Field(2.0, ge=0, description="how fast what is known loses weight")
    focal_alpha: float | None = Field(
        None, gt=0, description="factor; none: 1 of `focal`, 0.25 of `focal-sigmoid`"
    )
    ghm_bins: int = Field(30, ge=1, description="of the histograms of gradients")
    ghm_momentum: float = Field(0.75, ge=0, lt=1, description="of their moving average")
    class_balance: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="of every loss: beta of weights by effective number, 0.9 to 0.9999; 0: none",
    )
    first_weight: float = Field(1.0, ge=0, description="weight of the first character")
    length_weight: float = Field(0.5, ge=0, description="weight of the length head")
    colour_weight: float = Field(0.25, ge=0, description="weight of the colour head")
    rows_weight: float = Field(0.25, ge=0, description="weight of the rows head")


class OptimizerConfig(_Section):
    """The optimizer and its learning-rate schedule."""

    name: Literal[
        "radam",
        "adam",
        "adamw",
        "sgd",
        "adadelta",
        "adafactor",
        "adagrad",
        "adamax",
        "lamb",
        "lion",
        "nadam",
        "rmsprop",
    ] = Field("radam", description="`adam` is AMSGrad, `sgd` has Nesterov's momentum")
    learning_rate: float = Field(1e-3, gt=0, description="peak, of the cosine and constant ones")
    schedule: Literal["steps", "cosine", "constant"] = "cosine"
    warmup_epochs: float = Field(1.0, ge=0, description="of the cosine schedule")
    final_fraction: float = Field(0.01, ge=0, le=1, description="last rate of cosine / peak")
    boundaries: tuple[int, ...] = Field((10, 140, 200, 260, 300), description="last epochs, steps")
    values: tuple[float, ...] = Field((1e-5, 1e-3, 1e-4, 1e-5, 1e-6), description="rates, steps")
    momentum: float = Field(0.95, ge=0, lt=1, description="of sgd")
    decay: Literal["l2", "decoupled"] = Field(
        "l2",
        description="how model.conv_decay and model.gamma_decay act: `l2`: in the loss; "
        "`decoupled`: weights shrink by learning rate x decay, where 0.01 to 0.1 is usual",
    )
    weight_decay: float = Field(
        0.01, ge=0, description="decoupled, of convolution kernels, of adamw with `decay: l2`"
    )
    accumulate: int = Field(1, ge=1, description="batches whose gradients make one update")
    clip_norm: float | None = Field(None, gt=0, description="global gradient norm")
    ema: float = Field(0.0, ge=0, lt=1, description="momentum of averaged weights; 0: none")

    @model_validator(mode="after")
    def _steps_match(self) -> OptimizerConfig:
        if not self.boundaries or len(self.boundaries) != len(self.values):
            raise ValueError("optimizer.boundaries and optimizer.values must be equally many")
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("optimizer.boundaries must ascend")
        return self


class TrainConfig(_Section):
    """The training loop."""

    epochs: int = Field(300, ge=1)
    batch_size: int = Field(64, ge=1, le=65_536)
    devices: int = Field(1, ge=1, description="that divide every batch among them")
    seed: int = Field(800, ge=0)
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="auto: mixed_bfloat16 on a card and on processors that compute in it, else "
        "float32",
    )
    deterministic: bool = Field(True, description="the same seed gives the same weights on CPU")
    log_batches: int = Field(50, ge=1, description="batches between lines of train.log")
    patience: int = Field(0, ge=0, description="epochs without a better one; 0: never stop early")
    straighten_steps: int = Field(
        0, ge=0, description="in which a rectifier first learns to undo known distortions"
    )
    freeze: tuple[str, ...] = Field(
        (),
        description="layers that keep their weights: patterns of names, as `rectifier_*`; with `!` "
        "in front all others",
    )


class DistillConfig(_Section):
    """What a student learns from teachers; none: the labels are all it learns from."""

    teachers: tuple[str, ...] = Field((), description="shipped models' names or .keras files")
    temperature: float = Field(
        4.0, gt=0, description="divides the logits of teachers and student in the soft loss"
    )
    soft_share: float = Field(
        0.7, ge=0, le=1, description="share of the soft loss; the labels' loss has the rest"
    )
    map_weight: float = Field(
        0.0,
        ge=0,
        description="weight of the distance between what the heads of teacher and student look "
        "at; above 0 there is one teacher, and the student begins with its heads",
    )
    echo: int = Field(
        1,
        ge=1,
        description="how often each batch is learned from within its epoch; above 1 the teachers "
        "answer once for all of them, and an epoch's batches wait in memory",
    )
    unlabelled: tuple[str, ...] = Field((), description="folders of pictures without labels")
    unlabelled_share: float = Field(
        0.25, gt=0, lt=1, description="share of every batch that comes from `unlabelled`"
    )


class Config(_Section):
    """Everything that decides a training run."""

    preset: str = Field("resnet18", description="the name that run folders carry")
    family: Literal["multi_label", "ctc", "attention"] = Field(
        "multi_label",
        description="how the text comes out: `multi_label`: a softmax for each head; `ctc`: one "
        "for each column, most of them blank; `attention`: character after character",
    )
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    render: RenderConfig = RenderConfig()
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    distill: DistillConfig = DistillConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _devices_do_not_accumulate(self) -> Config:
        # Keras gathers inside a branch, where TensorFlow's devices cannot add up their gradients.
        if self.train.devices > 1 and self.optimizer.accumulate > 1:
            raise ValueError("train.devices and optimizer.accumulate cannot both be more than 1")
        return self

    @model_validator(mode="after")
    def _lessons_have_a_rectifier_on_one_device(self) -> Config:
        if self.train.straighten_steps and self.model.rectifier == "none":
            raise ValueError(
                "train.straighten_steps wants a rectifier: set model.rectifier to stn or tps"
            )
        # Several hold the weights as variables that the part of a model cannot be trained with.
        if self.train.straighten_steps and self.train.devices > 1:
            raise ValueError(
                "train.straighten_steps wants train.devices=1; what was learned so goes into a run "
                "on several by --init"
            )
        return self


def preset_names() -> tuple[str, ...]:
    """The names of all presets."""
    return tuple(PRESETS)


def load_config(
    preset: str = DEFAULT_PRESET,
    file: str | Path | None = None,
    overrides: tuple[str, ...] | list[str] = (),
) -> Config:
    """A preset, then a YAML file's values over it, then `key.sub=value` overrides.

    Raises:
        InputError: an unknown preset or key, or a value out of range, named.
    """
    values: dict[str, Any] = {}
    if file is not None:
        values = _read_yaml(Path(file))
        preset = str(values.get("preset", preset))
    preset = ALIASES.get(preset, preset)
    if preset not in PRESETS:
        raise InputError(f"unknown preset {quoted(preset)}; {suggestion(preset, PRESETS)}")
    merged = merge({"preset": preset}, PRESETS[preset])
    for layer in (values, parse_overrides(overrides)):
        merged = merge(_without_foreign_options(merged, layer), layer)
    return parse_config(merged, None if overrides or file is None else Path(file))


def override_config(config: Config, overrides: tuple[str, ...] | list[str]) -> Config:
    """A configuration with `key.sub=value` overrides; errors as of `load_config`."""
    return parse_config(merge(config.model_dump(mode="json"), parse_overrides(overrides)))


def _without_foreign_options(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The options of a preset's backbone mean nothing to the other backbone that `over` names."""
    changed, model = over.get("model"), base.get("model", {})
    backbone = changed.get("backbone") if isinstance(changed, dict) else None
    if backbone is None or _plain(backbone) == _plain(
        model.get("backbone", ModelConfig().backbone)
    ):
        return base
    kept = {key: value for key, value in model.items() if key != "backbone_options"}
    return {**base, "model": kept}


def _plain(name: object) -> str:
    """A backbone's name, `resnet-18` like `resnet18`."""
    return str(name).replace("-", "").replace("_", "").lower()


def parse_config(values: dict[str, Any], file: Path | None = None) -> Config:
    """Validates plain values; the error names the key, what was wrong and what was received.

    `file` is where they come from: the error then also names its line.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "configuration"
        line = None if file is None else line_of(file, first["loc"])
        place = "" if line is None else f"{file}, line {line}: "
        raise InputError(f"{place}{key}: {sentence_of(first, Config)}") from error


def read_config(file: str | Path) -> Config:
    """A resolved configuration as `dump_config` wrote it: its preset need not exist any more."""
    return parse_config(_read_yaml(Path(file)), Path(file))


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML; `read_config` reads it back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read_yaml(file: Path) -> dict[str, Any]:
    values = read_yaml(file, "the configuration")
    if not isinstance(values, dict):
        raise InputError(f"{file} holds no configuration: a YAML mapping was expected")
    return values
