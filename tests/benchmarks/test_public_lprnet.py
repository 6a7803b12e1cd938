"""The public LPRNet that ours is timed beside has the published size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch, of the extra `parity`, is not installed")


def test_it_has_the_published_parameters_and_columns_and_runs_in_onnx_runtime(tmp_path: Path):
    import onnxruntime
    from public_lprnet import PublicLPRNet, write_public_lprnet

    assert sum(each.numel() for each in PublicLPRNet().parameters()) == 446_976
    write_public_lprnet(tmp_path / "public.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "public.onnx")
    (logits,) = session.run(None, {session.get_inputs()[0].name: np.ones((1, 3, 24, 94), "f")})
    assert logits.shape == (1, 68, 18)
    assert np.isfinite(logits).all()
