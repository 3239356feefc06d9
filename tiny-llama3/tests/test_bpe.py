"""Merges: `tokenizers` and a slow version learn the same; long pre-tokens cost no more than n log n."""

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import pre_tokenizers, trainers

from random_texts import SENTENCES, random_texts, untrained_twin
from tiny_llama3.bpe import BYTE_ORDER, learn_merges, merge
from tiny_llama3.pretokenize import LLAMA3_PATTERN, PreTokenizer, count_pretokens
from tiny_llama3.tokenizer_json import CHARACTERS

BYTE_ID = {byte: id for id, byte in enumerate(BYTE_ORDER)}
TEXTS = st.lists(
    st.one_of(
        st.text("ab", max_size=30),
        st.text("aab c1é猫猫狗😀\n", max_size=30),
        st.lists(st.sampled_from("the cat cats sat 猫坐在 猫在 😀😀 won't".split(" ")), max_size=12).map(" ".join),
    ),
    max_size=6,
)


def library_merges(texts, wanted, pattern=LLAMA3_PATTERN):
    """What `tokenizers` learns, as pairs of ids, and the characters of its first 256 tokens."""
    twin = untrained_twin(pattern)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + wanted, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    twin.train_from_iterator(texts, trainer)
    model = json.loads(twin.to_str())["model"]
    vocab = model["vocab"]
    assert sorted(vocab.values()) == list(range(256 + len(model["merges"])))
    return [(vocab[left], vocab[right]) for left, right in model["merges"]], sorted(vocab, key=vocab.get)[:256]


def slow_merges(count_of, wanted):
    """Read all pre-tokens anew for every merge; of equally frequent pairs the one with the smaller ids is joined."""
    words = [([BYTE_ID[byte] for byte in word.encode()], count) for word, count in count_of.items()]
    merges: list[tuple[int, int]] = []
    while len(merges) < wanted:
        frequency: Counter[tuple[int, int]] = Counter()
        for word, count in words:
            for pair in pairwise(word):
                frequency[pair] += count
        if not frequency:
            break
        best = min(frequency, key=lambda pair: (-frequency[pair], pair))
        for word, _ in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == best:
                    word[place : place + 2] = [256 + len(merges)]
                place += 1
        merges.append(best)
    return merges


def counted(texts, pattern=LLAMA3_PATTERN):
    return count_pretokens(texts, PreTokenizer([pattern]))


def test_bytes_are_in_the_librarys_order():
    assert sorted(BYTE_ORDER) == list(range(256))
    assert sorted(pre_tokenizers.ByteLevel.alphabet()) == CHARACTERS
    assert library_merges(SENTENCES, 0) == ([], CHARACTERS)


@pytest.mark.parametrize("pattern", [LLAMA3_PATTERN, r"[^\n]+|\n", r"\p{L}+|\s"])
def test_all_merges_equal_the_librarys(pattern):
    """Until nothing is left to join, with thousands of ties: single occurrences, in many scripts and with emoji."""
    texts = [*SENTENCES, *random_texts(150, seed=5)]
    ours = learn_merges(counted(texts, pattern), 10**9)
    assert len(ours) > 2000
    assert ours == library_merges(texts, 10**6, pattern)[0]


@given(TEXTS, st.integers(0, 60))
@example(["aaaa aaa aaaaa aaaaaaa"], 60)
@example(["abab ababab bababa"], 60)
@example(["猫猫猫猫猫😀😀😀"], 60)
def test_merges_equal_the_librarys_and_the_slow_versions(texts, wanted):
    ours = learn_merges(counted(texts), wanted)
    assert ours == library_merges(texts, wanted)[0]
    assert ours == slow_merges(counted(texts), wanted)


@given(st.lists(st.text("ab", max_size=40), max_size=5))
def test_no_token_is_made_twice(words):
    """However a string occurs, merges take the same way to it: 256 + merges are as many different tokens."""
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    for left, right in learn_merges(Counter(words), 10**6):
        tokens.append(tokens[left] + tokens[right])
    assert len(set(tokens)) == len(tokens)


def test_first_merges_by_hand():
    """ "low" three times, "lot" once, "slow" twice: "lo" 6 times, then "low" 5 times."""
    low, o, w = (BYTE_ID[ord(letter)] for letter in "low")
    assert learn_merges({"low": 3, "lot": 1, "slow": 2}, 2) == [(low, o), (256, w)]


def test_the_order_of_the_pretokens_changes_nothing():
    count_of = counted(SENTENCES)
    words = [*count_of]
    random.Random(0).shuffle(words)
    assert learn_merges(count_of, 400) == learn_merges({word: count_of[word] for word in words}, 400)


def test_progress_counts_the_merges():
    seen = []
    merges = learn_merges({"aaaa": 1}, 50, lambda done, wanted: seen.append((done, wanted)))
    assert seen == [(1, 50), (2, 50)] and len(merges) == 2
    assert learn_merges({}, 5) == [] == learn_merges({"a": 9}, 5)


class Counting(dict):
    """A table that counts how often it is asked."""

    asked = 0

    def get(self, *key):
        self.asked += 1
        return super().get(*key)


def test_the_merge_of_a_long_pretoken_asks_a_few_times_for_each_letter():
    rank_of = Counting(
        {pair: rank for rank, pair in enumerate(learn_merges(counted(["ab abba baab aabb babab aaaa aaaa"]), 30))}
    )
    id_of = {rank: 256 + rank for rank in range(len(rank_of))}
    for text in ("ab" * 20_000, "a" * 40_000, "".join(random.Random(1).choices("ab", k=40_000))):
        rank_of.asked = 0
        ids = [BYTE_ID[byte] for byte in text.encode()]
        assert len(merge(ids, rank_of, id_of)) < len(ids)
        assert rank_of.asked < 6 * len(ids)


def test_long_pretokens_are_learned_from():
    """A scan of the whole pre-token for every merge would take minutes here: 900 merges × 300,000 bytes."""
    rng = random.Random(2)
    chinese = "".join(chr(0x4E00 + int(rng.paretovariate(0.5)) % 3000) for _ in range(100_000))
    assert len(learn_merges(counted([chinese]), 900)) == 900
    assert learn_merges(counted(["a" * 2**18]), 10**6) == [
        (BYTE_ID[ord("a")], BYTE_ID[ord("a")]),
        *((token, token) for token in range(256, 256 + 17)),
    ]


def slow_merge(ids, rank_of, id_of):
    ids = list(ids)
    while ranked := [(rank_of[pair], place) for place, pair in enumerate(pairwise(ids)) if pair in rank_of]:
        rank, place = min(ranked)
        ids[place : place + 2] = [id_of[rank]]
    return ids


LETTER = st.integers(0, 3)
TABLE = st.dictionaries(st.tuples(LETTER, LETTER), st.tuples(st.integers(0, 99), LETTER), max_size=16)


@given(st.lists(LETTER, max_size=25), TABLE)
@example([0, 1, 2, 3], {(0, 1): (0, 0), (2, 3): (1, 2), (0, 2): (2, 1)})
def test_merge_takes_the_lowest_rank_and_of_equals_the_left(ids, table):
    """Any table, also one in which a merge makes a token that takes part in merges of lower ranks."""
    rank_of = {pair: rank for rank, pair in enumerate(sorted(table, key=lambda pair: (table[pair][0], pair)))}
    id_of = {rank: table[pair][1] for pair, rank in rank_of.items()}
    before = list(ids)
    assert merge(ids, rank_of, id_of) == slow_merge(ids, rank_of, id_of)
    assert ids == before
