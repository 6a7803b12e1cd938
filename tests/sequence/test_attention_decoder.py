"""The decoder and the blocks of sequences, against PyTorch with copied weights and by property."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.plate.schema import load_schema
from chepai.sequence.attention_decoder import AttentionDecoder, DecodedHeads
from chepai.sequence.crnn_attention import SelfAttention
from chepai.sequence.parts import bilstm
from chepai.sequence.tokens import head_tokens, length_numbers

RNG = np.random.default_rng(1)
COLUMNS = RNG.normal(size=(3, 7, 12)).astype("float32")


@pytest.fixture
def decoder() -> AttentionDecoder:
    keras.utils.set_random_seed(5)
    layer = AttentionDecoder(classes=9, steps=5)
    layer.build(COLUMNS.shape)
    for weight in layer.weights:
        weight.assign(3 * RNG.normal(size=weight.shape) / np.sqrt(weight.shape[0]))
    return layer


def test_what_it_writes_alone_is_what_it_writes_when_told_the_same(decoder: AttentionDecoder):
    alone = np.array(decoder(COLUMNS))
    told = alone.argmax(-1)[:, :-1].astype("int32")
    np.testing.assert_allclose(decoder.teach(COLUMNS, told), alone, atol=1e-5)
    other = np.array(decoder.teach(COLUMNS, (told + 1) % 9))
    np.testing.assert_allclose(other[:, 0], alone[:, 0], atol=1e-5)
    assert np.abs(other[:, 1:] - alone[:, 1:]).max() > 0.1


def test_a_plate_does_not_depend_on_its_neighbours(decoder: AttentionDecoder):
    np.testing.assert_allclose(decoder(COLUMNS)[1:2], decoder(COLUMNS[1:2]), atol=1e-5)


def test_it_agrees_with_pytorch(decoder: AttentionDecoder):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `parity`)")

    def tensor(weight: keras.Variable) -> object:
        return torch.tensor(np.array(weight))

    cell = torch.nn.LSTMCell(12 + 9, 12)
    with torch.no_grad():
        cell.weight_ih.copy_(tensor(decoder.cell.kernel).T)
        cell.weight_hh.copy_(tensor(decoder.cell.recurrent_kernel).T)
        cell.bias_ih.copy_(tensor(decoder.cell.bias))
        cell.bias_hh.zero_()
    columns, state = torch.tensor(COLUMNS), (torch.zeros(3, 12), torch.zeros(3, 12))
    told, logits = torch.full((3,), decoder.begin), []
    for _ in range(5):
        mapped = columns @ tensor(decoder.columns_map.kernel)
        asked = state[0] @ tensor(decoder.state_map.kernel) + tensor(decoder.state_map.bias)
        scores = torch.tanh(mapped + asked[:, None]) @ tensor(decoder.score.kernel)
        seen = torch.bmm(scores.softmax(1).transpose(1, 2), columns)[:, 0]
        state = cell(torch.cat([seen, torch.nn.functional.one_hot(told, 9).float()], 1), state)
        logits.append(state[0] @ tensor(decoder.generator.kernel) + tensor(decoder.generator.bias))
        told = logits[-1].argmax(1)
    wanted = torch.stack(logits, 1).detach().numpy()
    np.testing.assert_allclose(decoder(COLUMNS), wanted, atol=1e-5)


def test_a_bidirectional_lstm_is_pytorchs_with_one_bias():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `parity`)")
    inputs = keras.Input(COLUMNS.shape[1:])
    model = keras.Model(inputs, bilstm(inputs, 6, 4, 0.0, "b"))
    for weight in model.weights:
        weight.assign(RNG.normal(size=weight.shape))
    theirs = torch.nn.LSTM(12, 6, bidirectional=True, batch_first=True)
    values = model.get_weights()
    with torch.no_grad():
        for suffix, part in (("", values[:3]), ("_reverse", values[3:6])):
            for name, value in zip(("weight_ih", "weight_hh", "bias_ih"), part, strict=True):
                getattr(theirs, f"{name}_l0{suffix}").copy_(torch.tensor(value.T))
            getattr(theirs, f"bias_hh_l0{suffix}").zero_()
        wanted = theirs(torch.tensor(COLUMNS))[0].numpy() @ values[6] + values[7]
    np.testing.assert_allclose(model(COLUMNS), wanted, atol=1e-5)


def test_self_attention_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `parity`)")
    layer = SelfAttention(3, 4)
    layer.build(COLUMNS.shape)
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape) / 3)
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    maps = [np.array(weight) for weight in layer.weights]
    kernels = [value.reshape(12, 12) for value in maps[0:6:2]]
    biases = [value.reshape(12) for value in maps[1:6:2]]
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.tensor(np.concatenate(kernels, 1).T))
        theirs.in_proj_bias.copy_(torch.tensor(np.concatenate(biases)))
        theirs.out_proj.weight.copy_(torch.tensor(maps[6].reshape(12, 12).T))
        theirs.out_proj.bias.copy_(torch.tensor(maps[7]))
        columns = torch.tensor(COLUMNS)
        wanted = theirs(columns, columns, columns)[0].numpy()
    np.testing.assert_allclose(layer(COLUMNS), wanted, atol=1e-5)


def test_heads_are_the_steps_and_the_length_is_where_the_text_ends():
    schema = load_schema("cn")
    layer = DecodedHeads(head_tokens(schema), length_numbers(schema))
    logits = RNG.normal(size=(2, 9, 87)).astype("float32")
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    outputs = [np.array(value) for value in layer(logits)]
    assert [value.shape[1] for value in outputs] == [*(h.width for h in schema.characters), 5]
    province = schema.characters[0].indices["皖"]
    token = head_tokens(schema)[0][province]
    np.testing.assert_allclose(outputs[0][:, province], probabilities[:, 0, token], rtol=1e-5)
    ends = probabilities[:, :, 0]
    none, seven = ends[:, 0], np.prod(1 - ends[:, :7], axis=1) * ends[:, 7]
    classes = schema.head_of("length").indices
    np.testing.assert_allclose(outputs[-1][:, classes["none"]], none, rtol=1e-5)
    np.testing.assert_allclose(outputs[-1][:, classes["7"]], seven, rtol=1e-5)


def test_it_decodes_in_float32_where_the_network_is_mixed():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        decoder = AttentionDecoder(classes=5, steps=3)
        columns = keras.ops.ones((2, 4, 6), "bfloat16")
        decoder.build((None, 4, 6))
        told = decoder.teach(columns, keras.ops.zeros((2, 2), "int32"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(told.dtype) == "float32"
    assert {w.dtype for w in decoder.weights} == {"float32"}
