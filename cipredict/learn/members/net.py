"""A small multi-layer perceptron (PyTorch): inputs standardised inside the graph, two hidden layers, dropout."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cipredict.forecast.state import Floats
from cipredict.learn.members.interface import Task


class _Network(nn.Module):
    """Standardise, two hidden layers, one output; a sigmoid where a probability is wanted."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, n_features: int, hidden: int, dropout: float, *, is_probability: bool) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.layers = nn.Sequential(
            nn.Linear(n_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )
        self.is_probability = is_probability

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        scaled = torch.clamp((rows - self.mean) / self.scale, -8.0, 8.0)
        answer: torch.Tensor = self.layers(scaled)
        return answer.squeeze(-1)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        logits = self.logits(rows)
        return torch.sigmoid(logits) if self.is_probability else logits


class NeuralNet:
    """The perceptron with scikit-learn's contract.

    Parameters
    ----------
    task : what is predicted
    random_state : seed of weights, dropout and batches
    hidden : width of both hidden layers
    epochs, batch_size, learning_rate, weight_decay, dropout : of AdamW
    """

    name = "neural_net"

    def __init__(
        self,
        task: Task,
        random_state: int = 0,
        *,
        hidden: int = 48,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        weight_decay: float = 0.001,
        dropout: float = 0.1,
    ) -> None:
        self.task = task
        self.random_state = random_state
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> NeuralNet:
        """Learn from X (n, k), y (n,), sample_weight (n,)."""
        torch.manual_seed(self.random_state)
        network = _Network(X.shape[1], self.hidden, self.dropout, is_probability=self.task == "probability")
        spread = X.std(axis=0)
        network.mean = torch.from_numpy(X.mean(axis=0))
        network.scale = torch.from_numpy(np.where(spread > 1e-6, spread, 1.0).astype(np.float32))
        rows, target = torch.from_numpy(X), torch.from_numpy(np.asarray(y, np.float32))
        weight = torch.from_numpy(np.asarray(sample_weight / sample_weight.mean(), np.float32))
        self._descend(network, rows, target=target, weight=weight)
        self.network_ = network.eval()
        self.n_features_ = X.shape[1]
        return self

    def _descend(self, network: _Network, rows: torch.Tensor, *, target: torch.Tensor, weight: torch.Tensor) -> None:
        losses = {"probability": nn.BCEWithLogitsLoss(reduction="none"), "seconds": nn.SmoothL1Loss(reduction="none")}
        loss_of = losses[self.task]
        steps = max(1, self.epochs * -(-len(rows) // self.batch_size))
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=self.learning_rate, total_steps=steps + 1)
        for _ in range(self.epochs):
            for batch in torch.split(torch.randperm(len(rows)), self.batch_size):
                optimiser.zero_grad()
                loss = (loss_of(network.logits(rows[batch]), target[batch]) * weight[batch]).mean()
                loss.backward()
                optimiser.step()
                schedule.step()

    def predict(self, X: Floats) -> NDArray[np.float64]:
        """Give shape (n,): probabilities of class 1, or values."""
        with torch.no_grad():
            return np.asarray(self.network_(torch.from_numpy(np.ascontiguousarray(X, np.float32))), np.float64)

    def to_onnx(self) -> bytes:
        """Give the network as an ONNX graph."""
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            # The TorchScript exporter is deprecated, but the new one needs onnxscript at night for the same graph.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                self.network_,
                (torch.zeros(2, self.n_features_),),
                buffer,  # type: ignore[arg-type]  # typed for the new exporter; this one writes to a buffer
                input_names=["X"],
                output_names=["answer"],
                dynamic_axes={"X": {0: "rows"}, "answer": {0: "rows"}},
                opset_version=17,
                dynamo=False,
            )
        return buffer.getvalue()
