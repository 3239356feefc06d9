"""Chapter 5: may this page be fetched?

`address` is an IPv4 address, four numbers with dots. Return False for those that lead to this machine or its network:

    0.0.0.0/8  10.0.0.0/8  100.64.0.0/10  127.0.0.0/8  169.254.0.0/16  172.16.0.0/12  192.168.0.0/16  198.18.0.0/15
    224.0.0.0/3 (all from 224 up)

and for anything that is no address; True for all others. 10.0.0.0/8 means: the first 8 of the 32 bits are those of
10.0.0.0.

IPv4 地址属于上面这些网段（通向本机或内网），或者根本不是地址，就返回 False，否则返回 True。
"""


def is_public(address: str) -> bool:
    raise NotImplementedError("your turn")
