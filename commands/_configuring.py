"""The options that choose a configuration, the same in every mode that has them."""

from __future__ import annotations

import argparse

from ..configs import DEFAULT_PRESET, preset_names


def add_configuration_options(parser: argparse.ArgumentParser, use: str = "") -> None:
    """`--preset`, `--config` and `--set` (as `overrides`); `use` says what the preset is for."""
    parser.add_argument(
        "--preset", default=DEFAULT_PRESET, help=f"{use}{', '.join(preset_names())}"
    )
    parser.add_argument("--config", metavar="FILE", help="YAML of values over the preset")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="one value, as train.epochs=5 (repeatable)",
    )
