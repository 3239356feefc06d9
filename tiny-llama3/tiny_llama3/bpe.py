"""Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over bytes (Radford et al. 2019, GPT-2).

Training joins the most frequent pair of neighbouring tokens into a new token, again and again. Encoding makes the same
joins in a new text, those learned first first.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import pairwise

Pair = tuple[int, int]
no_places = partial(array, "q")  # integers; a list of them would take three times the memory
Progress = Callable[[int, int], object]  # called with the merges so far and the merges wanted

# The first 256 tokens are the bytes, in the order that GPT-2 chose and that every library kept: first those that are
# printable characters in Latin-1, then the others.
PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
BYTE_ORDER = bytes([*PRINTABLE, *(byte for byte in range(256) if byte not in PRINTABLE)])
_ID_OF_BYTE = bytes.maketrans(BYTE_ORDER, bytes(range(256)))

BORDER = -1  # stands between pre-tokens: no pair reaches across
GONE = -2  # the place of a token that was joined to the one on its left


def learn_merges(count_of: Mapping[str, int], wanted: int, progress: Progress | None = None) -> list[Pair]:
    """Learn `wanted` merges, or as many as there are; merge number n makes token 256 + n.

    `count_of` says how often each pre-token occurs: each is stored once, however often it occurs. Of equally frequent
    pairs the one with the smaller ids comes first, as in the `tokenizers` library, so the merges are the same as there.

    The text isn't read again for each merge. A merge goes to the places where its pair stands, joins each, and corrects
    the counts of the pairs that end or begin there. Every join shortens the row by a token, so the time for all merges
    together grows like n log n with the length n of the row, whether pre-tokens are short or a book without a space.
    """
    token = [BORDER]  # the row: all pre-tokens, one after the other
    weight = [0]  # how often the pre-token at this place occurs
    for pretoken, count in count_of.items():
        data = pretoken.encode()
        token += [*data.translate(_ID_OF_BYTE), BORDER]
        weight += [count] * (len(data) + 1)
    before, after = list(range(-1, len(token) - 1)), list(range(1, len(token) + 1))  # the neighbours of each place

    frequency: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, array[int]] = defaultdict(no_places)  # of the pair's first token, from left to right
    for place, pair in enumerate(pairwise(token)):
        if BORDER not in pair:
            frequency[pair] += weight[place]
            places[pair].append(place)
    heap = [(-often, pair) for pair, often in frequency.items()]
    heapify(heap)

    merges: list[Pair] = []
    while heap and len(merges) < wanted:
        minus_often, pair = heappop(heap)
        if -minus_often != frequency[pair]:  # other merges took some of its places since it was put here
            if frequency[pair]:
                heappush(heap, (-frequency[pair], pair))
            continue
        first, second = pair
        new = 256 + len(merges)
        merges.append(pair)
        on_left: defaultdict[int, array[int]] = defaultdict(no_places)  # neighbour -> where its pair with `new` begins
        on_right: defaultdict[int, array[int]] = defaultdict(no_places)
        for place in places.pop(pair):
            partner = after[place]
            if token[place] != first or token[partner] != second:  # taken: "aaa" has "aa" twice, but joins it once
                continue
            left, right = before[place], after[partner]
            on_left[token[left]].append(left)
            on_right[token[right]].append(place)
            token[place], token[partner] = new, GONE
            after[place], before[right] = right, place
        begun: dict[Pair, array[int]] = {}
        for neighbour, where in on_left.items():
            if neighbour != BORDER:
                count = sum(weight[place] for place in where)
                frequency[neighbour, first] -= count
                frequency[neighbour, new] += count
                begun[neighbour, new] = where
        for neighbour, where in on_right.items():
            if neighbour != BORDER:
                count = sum(weight[place] for place in where)
                frequency[second, neighbour] -= count
                frequency[new, neighbour] += count
                begun[new, neighbour] = where
        places.update(begun)
        for pair in begun:
            if frequency[pair]:
                heappush(heap, (-frequency[pair], pair))
        if progress is not None:
            progress(len(merges), wanted)
    return merges


def merge(ids: list[int], rank_of: Mapping[Pair, int], id_of: Mapping[int, int]) -> list[int]:
    """Join pairs in one pre-token, the lowest rank first, and from the left, until none of its pairs has a rank.

    `id_of` names the token that the merge of a rank makes. A heap holds the pairs by rank and place, so the time grows
    like n log n with the length.
    """
    heap = [(rank, place) for place, rank in enumerate(map(rank_of.get, pairwise(ids))) if rank is not None]
    heapify(heap)
    token = [*ids, BORDER]  # token[-1], on the left of the first, is the border, too
    before, after = list(range(-1, len(ids))), list(range(1, len(ids) + 2))
    while heap:
        rank, place = heappop(heap)
        partner = after[place]
        if rank_of.get((token[place], token[partner])) != rank:  # one of the two was joined to another token
            continue
        token[place] = new = id_of[rank]
        token[partner] = GONE
        left, right = before[place], after[partner]
        after[place], before[right] = right, place
        if (rank_left := rank_of.get((token[left], new))) is not None:
            heappush(heap, (rank_left, left))
        if (rank_right := rank_of.get((new, token[right]))) is not None:
            heappush(heap, (rank_right, place))
    return [each for each in token if each >= 0]
