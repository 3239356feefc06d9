"""Chapter 9: what a killed run still knows.

`data` is the journal's content: one JSON object a line. A line with "answer" holds an answer, a line with only a "key"
says that the question went out. The last line may be torn: it has no line break at its end, and doesn't count. Return

    (answers, under way)

a dictionary from key to answer, and the set of keys that were sent and never answered.

日志一行一个 JSON：有 "answer" 的是回答，只有 "key" 的表示问题已发出。最后一行可能只写了一半（结尾没有换行），不算数。
返回“键到回答”的字典，以及发出去却没有回答的键的集合。
"""


def read_journal(data: bytes) -> tuple[dict[str, str], set[str]]:
    raise NotImplementedError("your turn")
