"""Which source of batches a configuration means, told by what its paths are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import InputError
from .array_writer import PLATES
from .ccpd_records import without_split
from .rendered_source import RenderedSource
from .source import Source
from .tfrecord_files import shards_at

if TYPE_CHECKING:
    from ..configs import Config
    from ..plate.schema import LabelSchema
    from .records import PlateRecord


def training_source(config: Config, schema: LabelSchema) -> Source:
    """The batches of `data.train`, mixed with `data.rendered_share` of rendered ones.

    Raises:
        InputError: a path is missing, of no known kind, or of another kind than the first.
    """
    if not config.data.train:
        return RenderedSource(config, schema)
    return _mixed(lambda sized: source_of(config.data.train, sized, schema), config, schema)


def training_source_of(
    records: Sequence[PlateRecord], config: Config, schema: LabelSchema
) -> Source:
    """As `training_source`, of these records in place of `data.train`."""
    from .dataset_util import RecordSource

    return _mixed(lambda sized: RecordSource(records, sized, schema), config, schema)


def _mixed(stored: Callable[[Config], Source], config: Config, schema: LabelSchema) -> Source:
    """The stored plates, and in every batch as many rendered ones as the configuration wants."""
    if not config.data.rendered_share:
        return stored(config)
    from .mixed_source import MixedSource, batch_sizes

    own, rendered = batch_sizes(config)
    return MixedSource(stored(with_batch_size(config, own)), config, schema, rendered)


def validation_source(config: Config, schema: LabelSchema) -> Source:
    """The finite batches of `data.validation`; rendered plates where none are given."""
    if not config.data.validation:
        return RenderedSource(config, schema)
    return source_of(config.data.validation, config, schema)


def source_of(paths: Sequence[str], config: Config, schema: LabelSchema) -> Source:
    """One source over all `paths`, which must be of one kind."""
    kinds = [kind_of(path) for path in paths]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise InputError(
                f"{paths[0]} is read as {kinds[0]} and {path} as {kind}: "
                "give paths of one kind, or convert one with make-tfrecord"
            )
    if kinds[0] == "array":
        from .array_source import ArraySource

        return ArraySource(paths, config, schema)
    if find_spec("tensorflow") is None:
        raise InputError(
            f"{paths[0]}: TensorFlow, which is not installed, reads {kinds[0]}; an array trains "
            "without it: chepai make-tfrecord LABELS --format array --output array/"
        )
    if kinds[0] == "TFRecords":
        from .tfrecord_util import TFRecordSource

        return TFRecordSource(paths, config, schema)
    from .dataset_util import RecordSource
    from .file_util import read_plates

    records = [record for path in paths for record in read_plates(path, schema)]
    return RecordSource(records, config, schema)


def kind_of(path: str) -> str:
    """`array`, `TFRecords` or `pictures`. Raises InputError when there is no such path."""
    place, _ = without_split(path)
    if place.name == PLATES or (place / PLATES).is_file():
        return "array"
    if place.suffix == ".tfrecord" or (not place.is_file() and shards_at(place)):
        return "TFRecords"
    if not place.exists():
        raise InputError(f"there is no {path}: a label file, a folder, TFRecords or an array")
    return "pictures"


def with_batch_size(config: Config, batch_size: int) -> Config:
    """The configuration with another `train.batch_size`."""
    train = config.train.model_copy(update={"batch_size": batch_size})
    return config.model_copy(update={"train": train})
