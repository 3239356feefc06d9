"""Automatic differentiation of scalars in reverse (Linnainmaa 1970), in the manner of Karpathy's micrograd (2020).

A `Value` remembers the values it was computed from and its derivative by each of them. `backward` walks the graph from
the result to the inputs and multiplies along the way: the chain rule. That is all of training; a tensor library does
the same with arrays.
"""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Union

Number = Union["Value", int, float]


class Value:
    """A number that knows how it came about. `grad` is the derivative of what `backward` was called on."""

    __slots__ = ("_local", "_parents", "data", "grad")

    def __init__(self, data: float, parents: "tuple[Value, ...]" = (), local: tuple[float, ...] = ()):
        self.data = data
        self.grad = 0.0
        self._parents = parents
        self._local = local  # the derivative of this value by each parent

    def __add__(self, other: Number) -> "Value":
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Number) -> "Value":
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other: Number) -> "Value":
        other = as_value(other)
        quotient = self.data / other.data
        return Value(quotient, (self, other), (1 / other.data, -quotient / other.data))

    def __pow__(self, exponent: Number) -> "Value":
        if isinstance(exponent, Value):
            return (self.log() * exponent).exp()
        if self.data < 0 and exponent != int(exponent):
            raise ValueError(f"{self.data} ** {exponent} is not a real number")
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0  # x ** 0 is flat, at 0 too
        return Value(self.data**exponent, (self,), (slope,))

    def exp(self) -> "Value":
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self) -> "Value":
        if self.data <= 0:
            raise ValueError(f"log needs a positive number (got {self.data})")
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def tanh(self) -> "Value":
        result = math.tanh(self.data)
        return Value(result, (self,), (1 - result * result,))

    def relu(self) -> "Value":
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def __neg__(self) -> "Value":
        return Value(-self.data, (self,), (-1.0,))

    def __sub__(self, other: Number) -> "Value":
        return self + -other

    def __rsub__(self, other: Number) -> "Value":
        return as_value(other) - self

    def __rtruediv__(self, other: Number) -> "Value":
        return as_value(other) / self

    def __rpow__(self, base: Number) -> "Value":
        return as_value(base) ** self

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"Value(data={self.data:.6g}, grad={self.grad:.6g})"

    def backward(self) -> None:
        """Add d self / d v to the `grad` of every v that self came from and that is an input itself.

        Inputs accumulate over calls (set `grad = 0` before the next step); what lies between is counted afresh.
        """
        order = self._inputs_first()
        for value in order:
            if value._parents:
                value.grad = 0.0
        self.grad += 1.0
        for value in reversed(order):  # all that uses a value has passed on its part before the value passes on its own
            for parent, slope in zip(value._parents, value._local, strict=True):
                parent.grad += slope * value.grad

    def _inputs_first(self) -> "list[Value]":
        """Every value after its parents. A stack of our own, since Python's ends after a thousand calls."""
        order: list[Value] = []
        seen: set[Value] = set()
        stack = [(self, False)]
        while stack:
            value, parents_done = stack.pop()
            if parents_done:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value._parents)
        return order


def as_value(number: Number) -> Value:
    return number if isinstance(number, Value) else Value(number)


class Neuron:
    """tanh(w · x + b), or without the tanh."""

    def __init__(self, n_inputs: int, rng: random.Random, squash: bool = True):
        self.weights = [Value(rng.uniform(-1, 1) / math.sqrt(n_inputs)) for _ in range(n_inputs)]
        self.bias = Value(0.0)
        self.squash = squash

    def __call__(self, inputs: Sequence[Number]) -> Value:
        if len(inputs) != len(self.weights):
            raise ValueError(f"the neuron has {len(self.weights)} inputs (got {len(inputs)})")
        total = sum((w * x for w, x in zip(self.weights, inputs, strict=True)), self.bias)
        return total.tanh() if self.squash else total

    def parameters(self) -> list[Value]:
        return [*self.weights, self.bias]


class Layer:
    """Neurons side by side, all with the same inputs."""

    def __init__(self, n_inputs: int, n_outputs: int, rng: random.Random, squash: bool = True):
        self.neurons = [Neuron(n_inputs, rng, squash) for _ in range(n_outputs)]

    def __call__(self, inputs: Sequence[Number]) -> list[Value]:
        return [neuron(inputs) for neuron in self.neurons]

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP:
    """Layers one after the other; the last one isn't squashed."""

    def __init__(self, sizes: Sequence[int], rng: random.Random):
        pairs = list(pairwise(sizes))
        self.layers = [Layer(n, m, rng, squash=i < len(pairs) - 1) for i, (n, m) in enumerate(pairs)]

    def __call__(self, inputs: Sequence[Number]) -> list[Value]:
        outputs = list(inputs)
        for layer in self.layers:
            outputs = list(layer(outputs))
        return outputs  # type: ignore[return-value]  # a layer's outputs are values

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]
