"""Draws the figures of docs/learning.md from the losses and schedules that trainings use.

Run from the repository's root: `python benchmarks/learning_figures.py [--only NAME …]`. The
gradients' figure trains a small model for some minutes first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from chepai.configs import OptimizerConfig, load_config
from chepai.frameworks import import_keras
from matplotlib.figure import Figure

keras = import_keras()

from chepai.dataset.rendered_source import RenderedSource  # noqa: E402
from chepai.dataset.wrong_labels import plant_wrong_labels  # noqa: E402
from chepai.files import atomic_path  # noqa: E402
from chepai.multi_label.classifier_loss import (  # noqa: E402
    HarmonizedCrossEntropy,
    MaskedCrossEntropy,
    MaskedFocal,
)
from chepai.multi_label.ghm import harmonizing_weights  # noqa: E402
from chepai.multi_label.train import compiled_classifier  # noqa: E402
from chepai.plate.schema import load_schema  # noqa: E402
from chepai.training.callbacks import for_keras  # noqa: E402
from chepai.training.loop import prepare_framework  # noqa: E402
from chepai.utils.optimizers import build_schedule  # noqa: E402

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CLASSES = 34  # of a character head
STEPS_PER_EPOCH = 100
TRAINED_STEPS, PLATES, WRONG = 200, 512, 0.03


def draw_losses(path: Path) -> None:
    """Each loss of one character against the probability of its class, and its gradient."""
    logits = np.linspace(-7, 7, 141)
    share = (1 / (1 + np.exp(-logits))).astype(np.float32)
    rest = np.repeat((1 - share)[:, None] / (CLASSES - 1), CLASSES - 1, axis=1)
    probabilities = np.concatenate([share[:, None], rest], axis=1)
    labels = np.zeros(len(share), np.int32)
    losses = {
        "cross-entropy": MaskedCrossEntropy(),
        "label smoothing 0.1": MaskedCrossEntropy(label_smoothing=0.1),
        "focal, gamma 1": MaskedFocal(gamma=1.0),
        "focal, gamma 2": MaskedFocal(gamma=2.0),
    }
    figure = Figure(figsize=(8, 3.2))
    left, right = figure.subplots(1, 2)
    for name, loss in losses.items():
        rows = keras.ops.convert_to_numpy(loss.row_losses(labels, probabilities))
        left.plot(share, rows, label=name)
        right.plot(share, -np.gradient(rows, logits), label=name)
    left.set(xlabel="probability of the right class", ylabel="loss", ylim=(0, 5))
    right.set(
        xlabel="probability of the right class", ylabel="pull on its logit", ylim=(-0.15, 1.25)
    )
    right.axhline(0, color="black", linewidth=0.6)
    left.legend(frameon=False)
    save(figure, path)


def draw_schedules(path: Path) -> None:
    """The learning rate by epoch: the original's steps, and the cosine with a warm-up."""
    figure = Figure(figsize=(8, 3.2))
    axes = figure.subplots(1, 2)
    cases = (
        ("the original's steps, 300 epochs", OptimizerConfig(schedule="steps"), 300),
        ("cosine, 24 epochs", OptimizerConfig(schedule="cosine", warmup_epochs=0.5), 24),
    )
    for each, (title, config, epochs) in zip(axes, cases, strict=True):
        schedule = build_schedule(config, STEPS_PER_EPOCH, epochs)
        steps = np.arange(0, epochs * STEPS_PER_EPOCH, 20 if epochs < 50 else 2 * STEPS_PER_EPOCH)
        rates = [float(keras.ops.convert_to_numpy(schedule(int(step)))) for step in steps]
        style = "steps-post" if config.schedule == "steps" else "default"
        each.plot(steps / STEPS_PER_EPOCH, rates, drawstyle=style)
        each.set(xlabel="epoch", title=title)
    axes[0].set(ylabel="learning rate", yscale="log")
    save(figure, path)


def draw_gradients(path: Path) -> None:
    """How many gradients of each size a batch has, and what share of the pull they make."""
    loss = HarmonizedCrossEntropy(momentum=0.0, label_wise=False)
    labels, outputs = briefly_trained_batch()
    pairs = [(labels[:, head], values) for head, values in enumerate(outputs)]
    counts = sum(keras.ops.convert_to_numpy(loss.histogram(*pair)) for pair in pairs)
    weights = keras.ops.convert_to_numpy(harmonizing_weights(counts, smallest=1.0))
    plain, harmonized = np.zeros(loss.bins), np.zeros(loss.bins)
    for own, values in pairs:
        known = own >= 0
        norms = 1.0 - values[known, own[known]]
        places = keras.ops.convert_to_numpy(loss.own_bins(own, values))[known]
        np.add.at(plain, places, norms)
        np.add.at(harmonized, places, norms * weights[places])
    edges = np.linspace(0, 1, loss.bins + 1)
    figure = Figure(figsize=(8, 3.2))
    left, right = figure.subplots(1, 2)
    left.stairs(counts, edges, fill=True, color="tab:grey")
    left.set(xlabel="size of the gradient, |y - p|", ylabel="classes of rows", yscale="log")
    right.stairs(plain / plain.sum(), edges, label="cross-entropy")
    right.stairs(harmonized / harmonized.sum(), edges, label="GHM")
    right.set(xlabel="size of the gradient of the label's class", ylabel="share of the whole pull")
    right.legend(frameon=False)
    save(figure, path)


def briefly_trained_batch() -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels, some of them wrong, and softmaxes of plates that a young model reads."""
    size = ["model.height=32", "model.width=96", f"data.validation_plates={PLATES}"]
    config = load_config("quick", overrides=[*size, "data.workers=0"])
    schema = load_schema(config.model.label_schema)
    prepare_framework(config)
    source = RenderedSource(config, schema)
    model = compiled_classifier(config, schema, TRAINED_STEPS)
    model.fit(
        for_keras(source.batches(0)),
        steps_per_epoch=TRAINED_STEPS,
        epochs=1,
        shuffle=False,
        verbose=2,
    )
    source.close()
    images, labels = (np.concatenate(part) for part in zip(*source.evaluation(), strict=True))
    labels, _ = plant_wrong_labels(labels, schema, WRONG, seed=1)
    answers = model.predict(images, verbose=0)
    return labels, [answers[name] for name in schema.head_names]


def save(figure: Figure, path: Path) -> None:
    """As SVG that is the same whenever the figure is."""
    figure.tight_layout()
    with (
        matplotlib.rc_context({"svg.hashsalt": "chepai", "svg.fonttype": "none", "font.size": 9}),
        atomic_path(path) as temporary,
    ):
        figure.savefig(temporary, metadata={"Date": None})
    print(f"{path}: {path.stat().st_size:,} bytes")


FIGURES: dict[str, Callable[[Path], None]] = {
    "losses": draw_losses,
    "schedules": draw_schedules,
    "gradients": draw_gradients,
}


def main() -> int:
    """Draws all figures, or the named ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(FIGURES), default=list(FIGURES))
    parser.add_argument("--output", type=Path, default=IMAGES, metavar="DIR")
    args = parser.parse_args()
    for name in args.only:
        FIGURES[name](args.output / f"learning-{name}.svg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
