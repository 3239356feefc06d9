"""micrograd: the gradients of torch on random expressions, neurons like torch's, graphs deeper than Python's stack."""

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_transformer.foundations.micrograd import MLP, Layer, Value

INPUTS = 3
NUMBERS = st.floats(-3, 3).map(lambda x: round(x, 3))
EXPRESSIONS = st.recursive(
    st.integers(0, INPUTS - 1) | NUMBERS,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.tuples(st.sampled_from(["neg", "tanh", "relu", "exp", "log", "rpow"]), inner),
        st.tuples(st.just("**"), inner, st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, 1.5])),
    ),
    max_leaves=12,
)


def evaluate(expression, inputs):
    """The expression over Values or over tensors. Where a function isn't defined it is kept where it is."""
    if isinstance(expression, int):
        return inputs[expression]
    if isinstance(expression, float):
        return expression
    name, *parts = expression
    x = evaluate(parts[0], inputs)
    number = isinstance(x, float)
    if name == "**":
        x = x * x + 1 if parts[1] < 0 or isinstance(parts[1], float) else x
        return x ** parts[1]
    if name in "+-*/":
        y = evaluate(parts[1], inputs)
        return x + y if name == "+" else x - y if name == "-" else x * y if name == "*" else x / (y * y + 1)
    if name == "neg":
        return -x
    if name == "rpow":
        return 2.5 ** squashed(x)
    if number:
        x = inputs[0] * 0 + x
    return {"tanh": lambda: x.tanh(), "relu": lambda: x.relu(), "log": lambda: (x * x + 0.5).log(),
            "exp": lambda: squashed(x).exp()}[name]()  # fmt: skip


def squashed(x):
    return math.tanh(x) if isinstance(x, float) else x.tanh()


@given(EXPRESSIONS, st.lists(NUMBERS, min_size=INPUTS, max_size=INPUTS))
def test_gradients_equal_torch(expression, numbers):
    ours = [Value(x) for x in numbers]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    result, expected = evaluate(expression, ours), evaluate(expression, theirs)
    if not isinstance(result, Value):
        return  # a constant
    assert result.data == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)
    if not expected.requires_grad:
        return
    result.backward()
    expected.backward()
    for value, tensor in zip(ours, theirs, strict=True):
        slope = 0.0 if tensor.grad is None else tensor.grad.item()
        assert value.grad == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_by_hand():
    """(a · b + a)² / b at a = 2, b = 4: 10² / 4 = 25; by a: 2 · 10 · 5 / 4; by b: 2 · 10 · 2 / 4 − 10² / 4²."""
    a, b = Value(2.0), Value(4.0)
    f = (a * b + a) ** 2 / b
    f.backward()
    assert (f.data, a.grad, b.grad) == (25.0, 25.0, 10.0 - 6.25)


def test_numbers_may_stand_on_the_left():
    x = Value(2.0)
    y = 1 + x + 3 * x + (5 - x) + 8 / x + 2**x
    y.backward()
    assert y.data == pytest.approx(1 + 2 + 6 + 3 + 4 + 4)
    assert x.grad == pytest.approx(1 + 3 - 1 - 2 + 4 * math.log(2))


def test_a_power_may_be_a_value():
    base, exponent = Value(2.0), Value(3.0)
    (base**exponent).backward()
    assert base.grad == pytest.approx(12)
    assert exponent.grad == pytest.approx(8 * math.log(2))


def test_inputs_accumulate_as_in_torch():
    """Twice through the same graph, and once through another: 2 · 3x² + 1, also where values in between are shared."""
    x = Value(2.0)
    cube = x * x * x
    cube.backward()
    cube.backward()
    (x + 1).backward()
    assert x.grad == 25.0


def test_a_value_used_twice_gets_both_parts():
    x = Value(3.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad == pytest.approx(4 * 27 + 6)


def test_deep_graphs_need_no_deep_stack():
    x = Value(1.0)
    total = x
    for _ in range(20_000):
        total = total + x
    total.backward()
    assert x.grad == 20_001


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: Value(0.0).log(), "positive"),
        (lambda: Value(-1.0) ** 0.5, "not a real number"),
        (lambda: (-2) ** Value(2.0), "positive"),
    ],
)
def test_what_has_no_value_is_refused(compute, message):
    with pytest.raises(ValueError, match=message):
        compute()


def test_a_power_of_zero_is_flat():
    x = Value(0.0)
    (x**0).backward()
    assert x.grad == 0.0


def grad(tensor):
    return tensor.grad


@given(st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_a_layer_equals_torch(n_inputs, n_outputs, squash, seed):
    rng = random.Random(seed)
    layer = Layer(n_inputs, n_outputs, rng, squash)
    inputs = [Value(rng.uniform(-2, 2)) for _ in range(n_inputs)]
    sum((y * y for y in layer(inputs)), Value(0.0)).backward()

    linear = torch.nn.Linear(n_inputs, n_outputs).double()
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[w.data for w in neuron.weights] for neuron in layer.neurons]))
        linear.bias.copy_(torch.tensor([neuron.bias.data for neuron in layer.neurons]))
    x = torch.tensor([value.data for value in inputs], dtype=torch.float64, requires_grad=True)
    y = linear(x).tanh() if squash else linear(x)
    (y * y).sum().backward()
    # The weights passed through torch's float32 on their way, hence not closer.
    assert [value.grad for value in inputs] == pytest.approx(grad(x).tolist(), rel=1e-5, abs=1e-6)
    for neuron, weights, bias in zip(layer.neurons, grad(linear.weight), grad(linear.bias), strict=True):
        assert [w.grad for w in neuron.weights] == pytest.approx(weights.tolist(), rel=1e-5, abs=1e-6)
        assert neuron.bias.grad == pytest.approx(bias.item(), rel=1e-5, abs=1e-6)


def test_an_mlp_learns_exclusive_or():
    """No single neuron can."""
    net = MLP([2, 4, 1], random.Random(1))
    points = [((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1)]
    for _ in range(150):
        loss = sum(((net(x)[0] - y) ** 2 for x, y in points), Value(0.0))
        for parameter in net.parameters():
            parameter.grad = 0.0
        loss.backward()
        for parameter in net.parameters():
            parameter.data -= 0.1 * parameter.grad
    assert len(net.parameters()) == 2 * 4 + 4 + 4 + 1
    assert [math.copysign(1, net(x)[0].data) for x, _ in points] == [y for _, y in points]
    assert loss.data < 0.05


def test_a_neuron_counts_its_inputs():
    with pytest.raises(ValueError, match=r"2 inputs \(got 3\)"):
        Layer(2, 1, random.Random(0))([1, 2, 3])
