"""Where a model's random layers stand, which Keras leaves out of its files."""

from __future__ import annotations

from typing import Any

import keras

_KEY = "random_state_"


class RemembersRandomStates(keras.Model):
    """A model whose dropout goes on in a loaded file as it would have without saving."""

    def save_own_variables(self, store: Any) -> None:
        """As of `keras.Model`, and the states."""
        super().save_own_variables(store)
        for number, state in enumerate(self._random_states()):
            store[f"{_KEY}{number}"] = state

    def load_own_variables(self, store: Any) -> None:
        """As of `keras.Model`, and the states, if the file has them."""
        keys = list(store.keys())
        super().load_own_variables({key: store[key] for key in keys if not key.startswith(_KEY)})
        for number, state in enumerate(self._random_states()):
            if f"{_KEY}{number}" in keys:
                state.assign(store[f"{_KEY}{number}"])

    def _random_states(self) -> list[keras.Variable]:
        return [v for v in self.variables if v.name == "seed_generator_state"]
