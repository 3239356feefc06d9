"""Small rows by hand, then compare with qwen_blog.rmsnorm."""

from types import ModuleType

import torch
from tiny_shared.exercises import expect

from qwen_blog.rmsnorm import RMSNorm


def check(answer: ModuleType) -> None:
    for row, weight, wanted in [([3.0, 4.0], [1.0, 1.0], [0.8485, 1.1314]), ([3.0, 4.0], [2.0, 0.0], [1.6971, 0.0]),
                                ([-300.0, 400.0], [1.0, 1.0], [-0.8485, 1.1314])]:  # fmt: skip
        got = answer.rms_norm(torch.tensor(row), torch.tensor(weight), 1e-6)
        expect(f"rms_norm({row}, weight={weight})", rounded(got), wanted, 2e-4)
    got = answer.rms_norm(torch.zeros(3), torch.ones(3), 1e-6)
    expect("rms_norm([0, 0, 0]), where eps keeps the root away from 0,", rounded(got), [0.0, 0.0, 0.0])
    torch.manual_seed(0)
    norm = RMSNorm(64, 1e-2)
    norm.weight.data.normal_()
    x = torch.randn(2, 3, 64) / 10
    got = answer.rms_norm(x, norm.weight.detach(), 1e-2)
    expect("the shape of rms_norm of (2, 3, 64)", list(got.shape), [2, 3, 64])
    right = norm(x).detach()
    for place in ((0, 0), (1, 2)):
        what = f"row {place} of rms_norm of a tensor (2, 3, 64) with eps=0.01, its first four numbers,"
        expect(what, rounded(got[place][:4]), rounded(right[place][:4]), 2e-4)
    noise, ones = torch.randn(64).bfloat16(), torch.ones(64, dtype=torch.bfloat16)
    half, norm = answer.rms_norm(noise, ones, 1e-6), RMSNorm(64, 1e-6).bfloat16()
    expect("the type of rms_norm of a bfloat16 row", str(half.dtype), "torch.bfloat16")
    expect("rms_norm of 64 numbers in bfloat16, some of them,", rounded(half)[:16], rounded(norm(noise).detach())[:16])


def rounded(x: torch.Tensor) -> list[float]:
    return [round(number, 4) for number in x.float().flatten().tolist()]
