"""Models from elsewhere: no code of theirs runs, no file is read, and what is wrong is named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.inference.model_card import METADATA_KEY, ModelCard
from chepai.inference.reader import Reader
from chepai.keras_file import check_keras_file

pytest.importorskip("keras", reason="the extra train is absent")
pytest.importorskip("onnx", reason="the extra export is absent")

import keras
import onnx
from chepai.export.onnx_export import export_onnx
from chepai.training.initialise import load_initial_weights
from tiny_classifier import tiny_classifier

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "tiny.keras"
    tiny_classifier().save(path)
    return path


@pytest.fixture(scope="module")
def onnx_file(keras_file: Path) -> Path:
    path = keras_file.with_suffix(".onnx")
    export_onnx(keras.models.load_model(keras_file, compile=False), path)
    return path


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    members = members_of(source)
    values = json.loads(members["config.json"])
    change(values)
    return packed(target, members | {"config.json": json.dumps(values).encode()})


def a_layer(values: dict[str, Any], **fields: Any) -> None:
    values["config"]["layers"][1] |= fields


NAMED = {
    "a lambda": {"module": "keras.layers", "class_name": "Lambda", "registered_name": None},
    "a lambda's code": {"module": "builtins", "class_name": "__lambda__", "registered_name": None},
    "a saved model": {"module": "keras.layers", "class_name": "TFSMLayer", "registered_name": None},
    "a vocabulary": {"module": "keras.layers", "class_name": "StringLookup"},
    "another framework": {"module": "keras.layers", "class_name": "TorchModuleWrapper"},
    "a download": {"module": "keras.utils", "class_name": "get_file", "registered_name": "x>get"},
    "the inside of keras": {"module": "keras.src.saving", "class_name": "load_model"},
    "a module": {"module": "os", "class_name": "system", "registered_name": None},
    "no text": {"module": ["os"], "class_name": "system"},
    "no name": {"module": "keras.layers", "class_name": ["Dense"]},
}


@pytest.mark.parametrize("name", NAMED)
def test_what_may_run_programs_is_refused_before_keras_sees_it(
    name: str, keras_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = changed(keras_file, tmp_path / "x.keras", lambda values: a_layer(values, **NAMED[name]))
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("it was loaded"))
    for load in (Reader, lambda file: load_initial_weights(keras.Sequential(), file)):
        with pytest.raises(InputError, match=r"x\.keras: .*(may run|no part of a network)"):
            load(path)


def test_a_whole_file_passes_and_any_other_keras_model_is_none_of_ours(
    keras_file: Path, tmp_path: Path
):
    check_keras_file(keras_file)
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    check_keras_file(tmp_path / "other.keras", ours=False)
    with pytest.raises(InputError, match="no model of chepai: it names no characters"):
        Reader(tmp_path / "other.keras")


def test_a_lambda_that_keras_itself_wrote_is_refused(tmp_path: Path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "l.keras")
    with pytest.raises(InputError, match="'Lambda', which may run programs"):
        load_initial_weights(model, tmp_path / "l.keras")


STRANGE: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "an asset": lambda held: held | {"assets/vocabulary.txt": b"x"},
    "a way out": lambda held: held | {"../../evil.py": b"x"},
    "no weights": lambda held: {name: held[name] for name in MEMBERS[:2]},
    "a deep configuration": lambda held: held | {"config.json": b"[" * 200_000},
    "no configuration": lambda held: held | {"config.json": b"{"},
    "a list": lambda held: held | {"config.json": b"[]"},
    "no weights' file": lambda held: held | {"model.weights.h5": b"not HDF5 at all" * 99},
    "half the weights": lambda held: held | {"model.weights.h5": held["model.weights.h5"][:9000]},
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_keras_file_is_refused_in_one_sentence(
    name: str, keras_file: Path, tmp_path: Path
):
    path = packed(tmp_path / "x.keras", STRANGE[name](members_of(keras_file)))
    with pytest.raises(InputError, match=r"x\.keras") as error:
        Reader(path)
    assert "\n" not in str(error.value)


def test_a_bomb_in_a_keras_file_is_not_unpacked(keras_file: Path, tmp_path: Path):
    members = members_of(keras_file) | {"model.weights.h5": bytes(30_000_000)}
    path = packed(tmp_path / "x.keras", members, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="unpacks to too much"):
        Reader(path)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"\x89HDF\r\n\x1a\n" + bytes(99)])
def test_what_is_no_keras_file_is_refused(data: bytes, tmp_path: Path):
    (tmp_path / "x.keras").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.keras"):
        Reader(tmp_path / "x.keras")


def with_card(source: Path, target: Path, card: str) -> Path:
    model = onnx.load(source)
    onnx.helper.set_model_props(model, {METADATA_KEY: card})
    onnx.save(model, target)
    return target


def card_of(path: Path) -> dict[str, Any]:
    [entry] = [entry for entry in onnx.load(path).metadata_props if entry.key == METADATA_KEY]
    return json.loads(entry.value)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": []}, {"schema": {}}, {"height": "many"}, {"height": 10**12}, {"height": 1e999},
        {"width": None}, {"family": "x"}, {"family": []}, {"name": 5}, {"precision": "fp7"},
        {"versions": 5}, {"calibration": 5}, {"calibration": {"temperatures": {"a": -1}}},
        {"preprocessing": 99},
    ],
    ids=str,
)  # fmt: skip
def test_a_card_of_another_kind_is_refused_in_one_sentence(
    change: dict[str, Any], onnx_file: Path, tmp_path: Path
):
    card = json.dumps(card_of(onnx_file) | change)
    path = with_card(onnx_file, tmp_path / "x.onnx", card)
    with pytest.raises(InputError, match=r"x\.onnx") as error:
        Reader(path, threads=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", '"x"', '{"height": ' + "1" * 5000])
def test_a_card_that_is_none_is_refused(text: str):
    with pytest.raises(InputError, match=r"x\.onnx: its chepai metadata is damaged"):
        ModelCard.from_json(text, "x.onnx")


@pytest.mark.parametrize("place", ["/etc/passwd", "../../../../../../../../etc/passwd"])
def test_an_onnx_file_reads_no_other_file_outside_its_folder(
    place: str, onnx_file: Path, tmp_path: Path
):
    model = onnx.load(onnx_file)
    weights = next(entry for entry in model.graph.initializer if len(entry.raw_data) > 100)
    size = len(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": place, "offset": "0", "length": str(size)}.items():
        weights.external_data.add(key=key, value=value)
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"cannot load .*x\.onnx.*[Ee]xternal"):
        Reader(tmp_path / "x.onnx", threads=1)


def test_an_operation_that_only_a_foreign_library_has_is_refused(onnx_file: Path, tmp_path: Path):
    model = onnx.load(onnx_file)
    model.graph.node[0].domain = "elsewhere"
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(InputError, match=r"cannot load .*x\.onnx"):
        Reader(tmp_path / "x.onnx", threads=1)


def test_other_heads_than_the_card_names_are_refused(onnx_file: Path, tmp_path: Path):
    card = card_of(onnx_file)
    card["schema"]["heads"][0]["classes"].append("猫")
    path = with_card(onnx_file, tmp_path / "x.onnx", json.dumps(card))
    with pytest.raises(InputError, match="not what its metadata says"):
        Reader(path, threads=1)


def test_a_cut_onnx_file_is_refused(onnx_file: Path, tmp_path: Path):
    data = onnx_file.read_bytes()
    for share in (0, 0.01, 0.5, 0.999):
        (tmp_path / "x.onnx").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(InputError, match=r"x\.onnx"):
            Reader(tmp_path / "x.onnx", threads=1)


def test_a_shipped_file_that_was_changed_is_refused(tmp_path: Path):
    from chepai.inference.pretrained import FOLDER, model_path

    for name in ("models.json", "default.onnx"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    assert model_path("default", tmp_path) == tmp_path / "default.onnx"
    data = bytearray((tmp_path / "default.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "default.onnx").write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        model_path("default", tmp_path)


def test_saved_arrays_of_folds_are_never_unpickled(tmp_path: Path):
    from chepai.commands._audit_folds import _stored

    stream = io.BytesIO()
    np.savez(stream, head=np.array([{"a": 1}], object))
    (tmp_path / "p.npz").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match=r"p\.npz is damaged"):
        _stored(tmp_path / "p.npz")
