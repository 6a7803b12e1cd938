"""What one mode runs of another."""

from __future__ import annotations

import argparse
from types import ModuleType


def run_mode(mode: ModuleType, *arguments: str) -> int:
    """Runs a mode with command-line arguments, in this process; returns its exit status."""
    parser = argparse.ArgumentParser()
    mode.add_arguments(parser)
    return int(mode.run(parser.parse_args(arguments)))
