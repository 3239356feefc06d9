"""Addresses on both sides of every border, and random ones."""

import ipaddress
import random
from types import ModuleType

from tiny_shared.exercises import expect

INNER = ("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 198.18.0.0/15 "
         "224.0.0.0/3").split()  # fmt: skip


def check(answer: ModuleType) -> None:
    networks = [ipaddress.ip_network(network) for network in INNER]
    rng = random.Random(4)
    numbers = [rng.randrange(2**32) for _ in range(300)]
    for network in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        numbers += [number for number in (first - 1, first, first + 1, last - 1, last, last + 1) if 0 <= number < 2**32]
    for number in numbers:
        address = ipaddress.IPv4Address(number)
        wanted = not any(address in network for network in networks)
        expect(f"is_public({str(address)!r})", answer.is_public(str(address)), wanted)
    for text in ("", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4", "localhost"):
        expect(f"is_public({text!r})", answer.is_public(text), False)
