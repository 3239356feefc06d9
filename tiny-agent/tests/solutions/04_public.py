INNER = ("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 198.18.0.0/15 "
         "224.0.0.0/3").split()  # fmt: skip


def number(address: str) -> int:
    a, b, c, d = (int(part) for part in address.split("."))
    if not all(0 <= part <= 255 for part in (a, b, c, d)):
        raise ValueError
    return a << 24 | b << 16 | c << 8 | d


def is_public(address: str) -> bool:
    try:
        value = number(address)
    except ValueError:
        return False
    for network in INNER:
        start, _, bits = network.partition("/")
        if value >> 32 - int(bits) == number(start) >> 32 - int(bits):
            return False
    return True
