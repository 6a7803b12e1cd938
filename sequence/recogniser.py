"""Recognisers of sequences: an encoder of columns, and what makes a text of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import initializers, layers, ops

from ..backbone.base import DENSE_STDDEV
from ..backbone.entrance import pixels, style_of
from ..configs import Config
from ..errors import InputError
from ..plate.alphabet import TEXT, alphabet_of
from ..plate.schema import Head, LabelSchema
from ..training.devices import share_of_device
from ..training.plate_metrics import PlateMetrics
from ..training.recogniser import Recogniser
from . import registry
from .attention_decoder import AttentionDecoder, DecodedHeads
from .ctc_metrics import CTCMetrics
from .parts import Encoded
from .text_loss import TextLoss, class_loss
from .tokens import Tokens, head_tokens, length_numbers, most_steps

# An output in training only: what the loss of the text is made of.
TEACHING = "teaching"
_TINY = 1e-30


class SequenceRecogniser(Recogniser):
    """What both families share. Compile it with a `TextLoss` and the shares of the heads beside it.

    In training the outputs have `teaching` besides: logits, or what the decoder looks at.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.schema = LabelSchema.from_dict(self.label_schema_config)
        self._tokens = Tokens(self.schema)
        self._beside = {
            head.name: index for index, head in enumerate(self.schema.heads) if _beside_text(head)
        }
        self._shares = dict.fromkeys(self._beside, 1.0)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs of the class by name, from uint8 `[batch, h, w, 3]`."""
        outputs = dict(super().call(inputs, training=training, mask=mask))
        if not training:
            del outputs[TEACHING]
        return outputs

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: TextLoss | None = None,
        loss_weights: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; `loss_weights` are shares of the heads beside the text."""
        weights = dict(loss_weights or {})
        super().compile(optimizer, loss=loss, loss_weights=weights, **kwargs)
        self._shares = {name: weights.get(name, 1.0) for name in self._beside}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        """The text's loss, those of the heads beside it, and the regularisation.

        Raises:
            ValueError: the model was compiled without a loss.
        """
        if not isinstance(self.loss, TextLoss):
            raise ValueError("compile the recogniser with a TextLoss before training it")
        total = share_of_device(sum(self.losses)) + self.text_loss(y, y_pred)
        for name, index in self._beside.items():
            if self._shares[name]:
                total = total + self._shares[name] * class_loss(y[:, index], y_pred[name])
        return total

    def text_loss(
        self, y: keras.KerasTensor, y_pred: Mapping[str, keras.KerasTensor]
    ) -> keras.KerasTensor:
        """The loss of the text alone."""
        raise NotImplementedError

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Counts a batch; the loss and the shares so far, by name."""
        del x, sample_weight
        self.plate_metrics.update_state(y, y_pred)
        return self.get_metrics_result()


@keras.saving.register_keras_serializable(package="chepai")
class CTCRecogniser(SequenceRecogniser):
    """Reads column by column. Output: `text` float32 `[batch, columns, classes]`, class 0 blank and
    class i + 1 the alphabet's i-th character, and softmaxes of colour and rows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plate_metrics = CTCMetrics(self.schema)

    def text_loss(
        self, y: keras.KerasTensor, y_pred: Mapping[str, keras.KerasTensor]
    ) -> keras.KerasTensor:
        """CTC of the logits; where only probabilities are at hand, of their logarithms."""
        logits = y_pred.get(TEACHING)
        if logits is None:
            logits = ops.log(ops.maximum(y_pred[TEXT], _TINY))
        return self.loss.average(self._tokens(y), logits)


@keras.saving.register_keras_serializable(package="chepai")
class AttentionRecogniser(SequenceRecogniser):
    """Reads character after character. Output: `{head name: softmax}` like a classifier's, each
    float32 `[batch, width of the head]`; see `DecodedHeads`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plate_metrics = PlateMetrics(self.schema)

    def text_loss(
        self, y: keras.KerasTensor, y_pred: Mapping[str, keras.KerasTensor]
    ) -> keras.KerasTensor:
        """Of the decoder that is told the true characters; in evaluation of what it wrote alone."""
        if TEACHING in y_pred:
            targets = self._tokens(y)
            decoder = self.get_layer("decoder")
            return self.loss.average(targets, decoder.teach(y_pred[TEACHING], targets.tokens))
        names = [head.name for head in self.schema.heads if not _beside_text(head)]
        losses = [class_loss(y[:, self.schema.index(name)], y_pred[name]) for name in names]
        return ops.mean(ops.stack(losses))


def build_recogniser(config: Config, schema: LabelSchema) -> SequenceRecogniser:
    """The recogniser of family `ctc` or `attention` that a configuration describes, not compiled.

        image - scaling - (whitening) - (rectifier) - encoder - columns' softmaxes, or a decoder

    Raises:
        InputError: an unknown encoder, a bad option, or a network that gives too few columns.
    """
    model = config.model
    style = style_of(config)
    image, x = pixels(config, style)
    predict = {"ctc": _columns_softmax, "attention": _decoded}[config.family]
    encoded = registry.build(
        model.backbone,
        x,
        style,
        classes=len(alphabet_of(schema)) + 1,
        dropout=model.dropout,
        **model.backbone_options,
    )
    outputs = predict(encoded, schema, config)
    for head in schema.heads:
        if _beside_text(head):
            outputs[head.name] = _softmax(encoded.plate, head.width, head.name)
    classes = {"ctc": CTCRecogniser, "attention": AttentionRecogniser}
    return classes[config.family](
        inputs=image,
        outputs=outputs,
        name=model.backbone,
        label_schema_config=schema.to_dict(),
        chepai_config=config.model_dump(mode="json"),
    )


def _columns_softmax(
    encoded: Encoded, schema: LabelSchema, config: Config
) -> dict[str, keras.KerasTensor]:
    """A softmax over blank and the alphabet for each column."""
    steps, needed = encoded.columns.shape[1] // (1 + unfolds(config)), most_steps(schema)
    if steps < needed:
        raise InputError(
            f"{config.model.backbone} makes {steps} columns of a picture {config.model.width} "
            f"wide; a plate of {schema.max_length} equal characters wants {needed}: make "
            "model.width larger"
        )
    logits = encoded.columns
    if not encoded.logits:
        logits = _dense(len(alphabet_of(schema)) + 1, "text_logits")(logits)
    text = layers.Activation("softmax", dtype="float32", name=TEXT)(logits)
    return {TEXT: text, TEACHING: logits}


def _decoded(encoded: Encoded, schema: LabelSchema, config: Config) -> dict[str, keras.KerasTensor]:
    """A decoder's characters as the schema's heads."""
    if encoded.logits:
        raise InputError(
            f"the encoder {config.model.backbone} makes the columns' characters itself; it is of "
            "family ctc alone"
        )
    columns = encoded.columns
    # What stands before the first character is a class too.
    classes = len(alphabet_of(schema)) + 2
    logits = AttentionDecoder(classes, schema.max_length + 1, name="decoder")(columns)
    heads = [head for head in schema.heads if not _beside_text(head)]
    heads.sort(key=lambda head: head.role == "length")
    decoded = DecodedHeads(head_tokens(schema), length_numbers(schema), name="decoded")(logits)
    named = {head.name: value for head, value in zip(heads, decoded, strict=True)}
    return named | {TEACHING: columns}


def unfolds(config: Config) -> bool:
    """Whether the encoder's columns are an upper row's, then as many of a lower one."""
    return bool(config.model.backbone_options.get("unfold"))


def _beside_text(head: Head) -> bool:
    return head.role in ("colour", "rows")


def _dense(width: int, name: str) -> layers.Dense:
    kernel = initializers.RandomNormal(stddev=DENSE_STDDEV)
    return layers.Dense(width, kernel_initializer=kernel, dtype="float32", name=name)


def _softmax(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    logits = _dense(width, f"{name}_logits")(x)
    return layers.Activation("softmax", dtype="float32", name=name)(logits)
