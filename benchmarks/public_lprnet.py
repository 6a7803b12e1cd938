"""The public LPRNet's structure as a file for ONNX Runtime, to be timed beside ours.

As sirius-ai/LPRNet_Pytorch has it, with its 68 classes; weights, which do not change the time, are
random. Its poolings over three dimensions, which ONNX Runtime refuses to load, are channels picked
and then pooled in two: of four ways to export them the fastest.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 68


class Pool(nn.Module):
    """The maximum of 3 x 3 in every n-th channel."""

    def __init__(self, every: int, columns: int) -> None:
        super().__init__()
        self.every, self.columns = every, columns

    def forward(self, features: Tensor) -> Tensor:
        """`[batch, channels, h, w]` -> `[batch, channels / every, h - 2, (w - 2) / columns]`."""
        return functional.max_pool2d(features[:, :: self.every], 3, (1, self.columns))


class PublicLPRNet(nn.Module):
    """Pictures `[batch, 3, 24, 94]` to logits `[batch, classes, 18]`."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 64, 3), *_normalised(64)),
                nn.Sequential(Pool(1, 1), _block(64, 128), *_normalised(128)),
                nn.Sequential(
                    Pool(2, 2),
                    _block(64, 256), *_normalised(256),
                    _block(256, 256), *_normalised(256),
                ),
                nn.Sequential(
                    Pool(4, 2),
                    nn.Conv2d(64, 256, (1, 4)), *_normalised(256),
                    nn.Conv2d(256, CLASSES, (13, 1)), *_normalised(CLASSES),
                ),
            ]
        )  # fmt: skip
        self.logits = nn.Conv2d(64 + 128 + 256 + CLASSES, CLASSES, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Each stage's map, shrunk to the last one's size, divided by the mean of its squares."""
        maps = []
        features = pictures
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        first, second, third, last = maps
        shrunk = [
            functional.avg_pool2d(first, 5),
            functional.avg_pool2d(second, 5),
            functional.avg_pool2d(third, (4, 10), (4, 2)),
            last,
        ]
        scaled = [each / (each * each).mean() for each in shrunk]
        return self.logits(torch.cat(scaled, 1)).mean(2)


def write_public_lprnet(file: Path) -> None:
    """Writes it for a batch of one plate."""
    plate = torch.zeros(1, 3, 24, 94)
    with warnings.catch_warnings():
        # PyTorch's newer exporter wants a package of its own, and its file is no faster.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(PublicLPRNet().eval(), (plate,), file, opset_version=17, dynamo=False)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    quarter = outputs // 4
    return nn.Sequential(
        nn.Conv2d(inputs, quarter, 1), nn.ReLU(),
        nn.Conv2d(quarter, quarter, (3, 1), padding=(1, 0)), nn.ReLU(),
        nn.Conv2d(quarter, quarter, (1, 3), padding=(0, 1)), nn.ReLU(),
        nn.Conv2d(quarter, outputs, 1),
    )  # fmt: skip


def _normalised(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU()
