"""Temperatures: how sure a head's probabilities are, without changing which class is likeliest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

# Beyond them a head says nothing any more; within them no power of a float32 softmax underflows.
LEAST, MOST = 0.1, 10.0
# Stands for a probability that underflowed to 0: its logarithm has to be finite.
SMALLEST = 1e-37


def soften(
    probabilities: Mapping[str, npt.NDArray[np.floating]], temperatures: Mapping[str, float]
) -> dict[str, npt.NDArray[np.floating]]:
    """Probabilities as a softmax of the same logits, divided by each head's temperature, gives.

    softmax(z / T) is p ** (1 / T), scaled to the sum 1 again, so that the logits are not needed:
    whoever reads an exported file has the probabilities only (Guo et al. 2017, section 4.2).

    Args:
        probabilities: head name -> float [batch, width].
        temperatures: head name -> 0.1 to 10; above 1 less sure, below 1 surer. Heads without
            one stay as they are.

    Returns:
        As `probabilities`; a new array for each head that has a temperature.
    """
    names = [name for name in probabilities if temperatures.get(name, 1.0) != 1.0]
    if not names:
        return dict(probabilities)
    # All heads side by side: a dozen NumPy calls for a batch instead of a dozen for each head.
    flat = np.concatenate([probabilities[name] for name in names], axis=1)
    widths = [probabilities[name].shape[1] for name in names]
    starts = np.cumsum([0, *widths[:-1]])
    powers = np.repeat([1 / temperatures[name] for name in names], widths).astype(flat.dtype)
    np.maximum(flat, SMALLEST, out=flat)
    np.log(flat, out=flat)
    flat *= powers
    np.exp(flat, out=flat)
    flat /= np.repeat(np.add.reduceat(flat, starts, axis=1), widths, axis=1)
    return dict(probabilities) | dict(zip(names, np.split(flat, starts[1:], axis=1), strict=True))
