"""Several processes train one model: each takes its share of a step's rows, and their gradients are added up.

`torchrun --nproc_per_node 2 main.py pretrain ...` starts them. Since every process adds the same sum to the same
weights, the models never drift apart and nothing else has to be exchanged.
"""

import os
from collections.abc import Sequence

import torch
import torch.distributed as distributed
from torch import Tensor


def started_by_torchrun() -> bool:
    return "WORLD_SIZE" in os.environ and "RANK" in os.environ


def join(device: str) -> None:
    """Meet the other processes; before anything else."""
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")


def leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def rank() -> int:
    """This process's number: 0 is the one that writes files."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by the sum over all processes. In one message: hundreds of small ones would mostly wait."""
    if processes() == 1:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(summed.view_as(tensor))


def same_number(number: float) -> float:
    """Process 0's number, in every process: what was measured must not differ where it decides."""
    if processes() == 1:
        return number
    shared = torch.tensor([number], dtype=torch.float64)
    if distributed.get_backend() == "nccl":
        shared = shared.cuda()
    distributed.broadcast(shared, 0)
    return float(shared)
