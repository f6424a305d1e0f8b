"""Network of the gate: maps the inputs of a position to the weights of the models there. Pure NumPy.

A hidden layer of tanh units with a skip connection, followed by a softmax. It minimizes the loss of the mixture, as in
Jacobs, Jordan, Nowlan and Hinton (1991), "Adaptive mixtures of local experts", with Adam (Kingma and Ba 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]

_BATCH: Final = 512
_LEARNING_RATE: Final = 3e-3
_BETA_1: Final = 0.9
_BETA_2: Final = 0.99
_WEIGHT_DECAY: Final = 1e-5
_CHUNK_ROWS: Final = 1 << 16


@dataclass
class Network:
    """softmax(tanh(x · hidden + hidden_bias) · output + output_bias + x · direct).

    Attributes:
        parameters: float32 arrays: hidden (inputs × units), hidden_bias (units), output (units × models), output_bias
            (models), direct (inputs × models).
    """

    parameters: list[Float32Array]

    @classmethod
    def random(cls, n_inputs: int, n_units: int, n_models: int, generator: np.random.Generator) -> Network:
        """Create a network that gives all models the same weight."""
        hidden = generator.normal(size=(n_inputs, n_units)) / np.sqrt(max(1, n_inputs))
        shapes = [(n_units,), (n_units, n_models), (n_models,), (n_inputs, n_models)]
        return cls([hidden.astype(np.float32), *(np.zeros(shape, dtype=np.float32) for shape in shapes)])

    def weights(self, inputs: Float32Array) -> npt.NDArray[np.float64]:
        """Return the weights: float64, rows × models; each row sums to one."""
        n_models = len(self.parameters[3])
        weights = np.empty((len(inputs), n_models))
        for begin in range(0, len(inputs), _CHUNK_ROWS):
            _, part = self._forward(inputs[begin : begin + _CHUNK_ROWS])
            weights[begin : begin + _CHUNK_ROWS] = part
        weights /= weights.sum(axis=1, keepdims=True)
        return weights

    def as_json(self) -> list[Any]:
        """Return the JSON that `from_json` reads."""
        return [array.tolist() for array in self.parameters]

    @classmethod
    def from_json(cls, content: list[Any], n_inputs: int, n_models: int) -> Network:
        """Create the network that `as_json` wrote; raise TypeError or ValueError if the shapes are wrong."""
        arrays = [np.asarray(array, dtype=np.float32) for array in content]
        n_units = len(arrays[1]) if len(arrays) == 5 else 0
        wanted = [(n_inputs, n_units), (n_units,), (n_units, n_models), (n_models,), (n_inputs, n_models)]
        if [array.shape for array in arrays] != wanted or not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(f"expected finite arrays of the shapes {wanted}")
        return cls(arrays)

    def train(self, inputs: Float32Array, probabilities: Float32Array, *, n_epochs: int, seed: int) -> Iterator[int]:
        """Minimize the mixture's loss by minibatch gradient descent; the learning rate decays linearly to 0.

        Args:
            inputs: float32, rows × inputs.
            probabilities: float32, rows × models, of each row's token; a row may be scaled by any positive number.
            n_epochs: passes over the rows.
            seed: of the shuffling.

        Yields:
            The number of finished epochs, after each epoch.
        """
        generator = np.random.default_rng(seed)
        moments = [(np.zeros_like(array), np.zeros_like(array)) for array in self.parameters]
        n_steps = n_epochs * -(-len(inputs) // _BATCH)
        step = 0
        for epoch in range(n_epochs):
            order = generator.permutation(len(inputs))
            for begin in range(0, len(order), _BATCH):
                rows = order[begin : begin + _BATCH]
                step += 1
                rate = _LEARNING_RATE * (1 - (step - 1) / n_steps)
                self._descend(self._gradients(inputs[rows], probabilities[rows]), moments, step, rate)
            yield epoch + 1

    def _forward(self, inputs: Float32Array) -> tuple[Float32Array, Float32Array]:
        hidden, hidden_bias, output, output_bias, direct = self.parameters
        units = np.tanh(inputs @ hidden + hidden_bias)
        scores = units @ output + output_bias + inputs @ direct
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return units, scores / scores.sum(axis=1, keepdims=True)

    def _gradients(self, inputs: Float32Array, probabilities: Float32Array) -> list[Float32Array]:
        units, weights = self._forward(inputs)
        joint = weights * probabilities
        share = joint / (joint.sum(axis=1, keepdims=True) + np.float32(1e-30))
        of_scores = (weights - share) / np.float32(len(inputs))
        of_units = (of_scores @ self.parameters[2].T) * (1 - units * units)
        return [
            inputs.T @ of_units,
            of_units.sum(axis=0),
            units.T @ of_scores,
            of_scores.sum(axis=0),
            inputs.T @ of_scores,
        ]

    def _descend(
        self,
        gradients: list[Float32Array],
        moments: list[tuple[Float32Array, Float32Array]],
        step: int,
        rate: float,
    ) -> None:
        for array, gradient, (first, second) in zip(self.parameters, gradients, moments, strict=True):
            gradient = gradient + np.float32(_WEIGHT_DECAY) * array
            first += np.float32(1 - _BETA_1) * (gradient - first)
            second += np.float32(1 - _BETA_2) * (gradient * gradient - second)
            size = np.sqrt(second / np.float32(1 - _BETA_2**step)) + np.float32(1e-8)
            array -= np.float32(rate / (1 - _BETA_1**step)) * first / size
