"""Chapter 9: the product and the exponential in an autograd of your own.

A `Value` remembers the values that it was made from (`parents`) and its slope by each of them (`slopes`). `backward`
is done: from the result to the inputs, it adds slope times what arrived to each parent's `grad`. Addition shows how an
operation looks; write `__mul__` and `exp`. The other side of a product is always a Value here.

    y = a · b: slope by a is b, by b it's a        y = exp(a): slope is exp(a), the result itself

自己写自动求导：每个 Value 记住它由哪些值算出，以及对每个值的斜率。加法和 backward 已经写好，请补上乘法和指数。
"""

from __future__ import annotations


class Value:
    def __init__(self, data: float, parents: tuple[Value, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data, self.parents, self.slopes, self.grad = data, parents, slopes, 0.0

    def __add__(self, other: Value) -> Value:
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value) -> Value:
        raise NotImplementedError("your turn")

    def exp(self) -> Value:
        raise NotImplementedError("your turn")

    def backward(self) -> None:
        order: list[Value] = []

        def visit(value: Value) -> None:
            if value not in order:
                for parent in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad += slope * value.grad
