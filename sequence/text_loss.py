"""What is minimised: CTC of columns, cross-entropy of a decoder's characters and of other heads."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ..training.cross_entropy import cross_entropy
from ..training.devices import sum_over_devices
from .tokens import END, Targets

UPPER_ROW = (1, 2, 3)
"""How many characters the upper of two rows has: `WJ` and a province at most (GA 36)."""
_NEVER = -1e9  # a logit


class TextLoss(keras.losses.Loss):
    """A loss of texts, averaged over the plates that it knows enough of; 0 where it knows none."""

    def average(self, targets: Targets, logits: keras.KerasTensor) -> keras.KerasTensor:
        """A scalar, in nats; on several devices this device's share of it.

        Args:
            targets: the texts.
            logits: float32 `[batch, steps, classes]`.
        """
        raise NotImplementedError

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Of tokens whose plates are all known."""
        known = ops.ones_like(y_true[:, 0], dtype="bool")
        return self.average(Targets(y_true, known, ops.logical_not(known)), y_pred)


@keras.saving.register_keras_serializable(package="chepai")
class CTCLoss(TextLoss):
    """-ln of a text's probability over all ways to write it into the columns (Graves 2006).

    Left out are plates with a character that nobody knows, and, since no path writes them, texts
    that want more columns than there are: one for each character and a blank between equal
    neighbours. `recogniser.py` refuses to build a network that has too few of them.

    Args:
        first_weight: w of `-w ln P(first character) - ln P(the rest | first character)`, of which
            1 makes the paper's loss.
        rows_apart: the first half of the columns is an upper row's, the second a lower one's: of a
            plate of two rows the paths that cross over do not count. Left to itself a network reads
            the lower row in the upper one's columns, where no place is left for the upper one.
    """

    def __init__(
        self,
        first_weight: float = 1.0,
        rows_apart: bool = False,
        name: str = "ctc",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.first_weight = first_weight
        self.rows_apart = rows_apart

    def average(self, targets: Targets, logits: keras.KerasTensor) -> keras.KerasTensor:
        """As `TextLoss.average`, a plate counting as one."""
        tokens, steps = targets.tokens, logits.shape[1] // (1 + self.rows_apart)
        fits = needed_columns(tokens) <= steps
        valid = targets.known & ops.all(tokens >= 0, axis=1) & fits
        # What is left out is an empty text meanwhile: its loss is finite.
        tokens = ops.where(ops.expand_dims(valid, 1), tokens, END)
        logits = ops.cast(logits, "float32")
        if self.rows_apart:
            losses = losses_by_rows(tokens, logits, targets.two_rows)
        else:
            losses = ctc_losses(tokens, logits)
        if self.first_weight != 1:
            losses = losses + (self.first_weight - 1) * first_losses(tokens, logits)
        return _average(losses, ops.cast(valid, "float32"))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        own = {"first_weight": self.first_weight, "rows_apart": self.rows_apart}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="chepai")
class CharacterLoss(TextLoss):
    """Cross-entropy of each character and of the end, averaged over those that are known.

    Args:
        label_smoothing: e in 0..1: targets are (1 - e) y + e / classes.
        first_weight: as how many of the others the first one counts.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        first_weight: float = 1.0,
        name: str = "characters",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing
        self.first_weight = first_weight

    def average(self, targets: Targets, logits: keras.KerasTensor) -> keras.KerasTensor:
        """As `TextLoss.average`; logits have one step more than texts have characters."""
        tokens = ops.pad(targets.tokens, ((0, 0), (0, 1)), constant_values=END)
        written = ops.cast(tokens != END, "int32")
        # The characters and the first end behind them.
        before = ops.cumsum(written, axis=1) == ops.arange(1, tokens.shape[1] + 1, dtype="int32")
        first_end = ops.roll(before, 1, axis=1)
        first_end = ops.concatenate([ops.ones_like(first_end[:, :1]), first_end[:, 1:]], axis=1)
        counted = (tokens >= 0) & first_end & ops.expand_dims(targets.known, 1)
        losses = _cross_entropy(ops.maximum(tokens, 0), logits, self.label_smoothing)
        weights = ops.where(ops.arange(tokens.shape[1]) == 0, self.first_weight, 1.0)
        return _average(losses, ops.cast(counted, "float32") * weights)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        own = {"label_smoothing": self.label_smoothing, "first_weight": self.first_weight}
        return {**super().get_config(), **own}


def ctc_losses(tokens: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """float32 `[batch]` of tokens int32 `[batch, longest]`, 0 behind the text, that all fit.

    Args:
        logits: float32 `[batch, columns, classes]`; class 0 is blank.
    """
    lengths = ops.sum(ops.cast(tokens != END, "int32"), axis=1)
    columns = ops.full_like(lengths, logits.shape[1])
    return ops.ctc_loss(tokens, logits, lengths, columns, mask_index=END)


def losses_by_rows(
    tokens: keras.KerasTensor, logits: keras.KerasTensor, two_rows: keras.KerasTensor
) -> keras.KerasTensor:
    """`ctc_losses`, of plates of two rows those of the paths that write an upper row's characters
    in the first half of the columns and the others in the second, whichever of `UPPER_ROW` the
    upper row has.

    Args:
        tokens, logits: as of `ctc_losses`; each half of the columns is long enough for the text.
        two_rows: bool `[batch]`.
    """
    # Between the rows stands a class of its own, sure in a column of its own and in no other: so
    # one call does for all, and TensorFlow compiles one loop.
    mark, half = logits.shape[2], logits.shape[1] // 2
    columns = ops.pad(logits, ((0, 0), (0, 0), (0, 1)), constant_values=_NEVER)
    whole = ops.concatenate([columns, _sure(END, columns)], axis=1)
    parted = [columns[:, :half], _sure(mark, columns), columns[:, half:]]
    texts = [_marked(tokens, count, mark) for count in UPPER_ROW]
    found = ctc_losses(
        ops.concatenate([ops.pad(tokens, ((0, 0), (0, 1))), *texts]),
        ops.concatenate([whole, *[ops.concatenate(parted, axis=1)] * len(UPPER_ROW)]),
    )
    found = ops.reshape(found, (1 + len(UPPER_ROW), -1))
    return ops.where(two_rows, -ops.logsumexp(-found[1:], axis=0), found[0])


def _sure(label: int, columns: keras.KerasTensor) -> keras.KerasTensor:
    """Logits of one more column that is `label` for certain: `[batch, 1, classes]`."""
    column = ops.where(ops.arange(columns.shape[2]) == label, 0.0, _NEVER)
    return ops.zeros_like(columns[:, :1]) + ops.cast(column, "float32")


def _marked(tokens: keras.KerasTensor, count: int, mark: int) -> keras.KerasTensor:
    """Texts with `mark` behind the first characters, or behind the last: `[batch, longest + 1]`."""
    places = ops.arange(tokens.shape[1] + 1, dtype="int32")
    written = ops.sum(ops.cast(tokens != END, "int32"), axis=1, keepdims=True)
    where = ops.minimum(written, count)
    before = ops.pad(tokens, ((0, 0), (0, 1)))
    behind = ops.pad(tokens, ((0, 0), (1, 0)))
    return ops.where(places < where, before, ops.where(places == where, mark, behind))


def first_losses(tokens: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
    """-ln of the probability that a text begins with its first character, float32 `[batch]`.

    Whatever follows; a path begins with c if blanks alone stand before its first c. 0 where the
    text is empty.

    Args:
        tokens, logits: as of `ctc_losses`.
    """
    logs = ops.log_softmax(logits, axis=-1)
    blanks = logs[:, :, END]
    before = ops.cumsum(blanks, axis=1) - blanks
    first = tokens[:, :1]
    here = ops.take_along_axis(logs, ops.expand_dims(first, 1), axis=2)[:, :, 0]
    losses = -ops.logsumexp(before + here, axis=1)
    return ops.where(first[:, 0] == END, 0.0, losses)


def needed_columns(tokens: keras.KerasTensor) -> keras.KerasTensor:
    """int32 `[batch]`: one column a character, and a blank between two that are equal."""
    written = ops.cast(tokens != END, "int32")
    equal = ops.cast(tokens[:, 1:] == tokens[:, :-1], "int32") * written[:, 1:]
    return ops.sum(written, axis=1) + ops.sum(equal, axis=1)


def class_loss(labels: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
    """Cross-entropy of a head beside the text, averaged over its valid labels; a scalar.

    Args:
        labels: integers `[batch]`, negative where masked.
        probabilities: float32 `[batch, width]`.
    """
    labels = ops.cast(labels, "int32")
    targets = ops.one_hot(ops.maximum(labels, 0), probabilities.shape[-1], dtype="float32")
    losses = cross_entropy(targets, probabilities)
    return _average(losses, ops.cast(labels >= 0, "float32"))


def _cross_entropy(
    tokens: keras.KerasTensor, logits: keras.KerasTensor, smoothing: float
) -> keras.KerasTensor:
    """float32 `[batch, steps]`."""
    logits = ops.cast(logits, "float32")
    targets = ops.one_hot(tokens, logits.shape[-1], dtype="float32")
    if smoothing:
        targets = (1.0 - smoothing) * targets + smoothing / logits.shape[-1]
    return ops.categorical_crossentropy(targets, logits, from_logits=True)


def _average(losses: keras.KerasTensor, counted: keras.KerasTensor) -> keras.KerasTensor:
    """The sum of what counts / how many do, over all devices."""
    return ops.sum(losses * counted) / ops.maximum(sum_over_devices(ops.sum(counted)), 1.0)
