"""Each conversation shifted by one, with nothing after its end."""


def targets(conversations: list[list[tuple[int, bool]]], length: int) -> list[int]:
    row: list[int] = []
    for conversation in conversations:
        row += [id if learnt else -100 for id, learnt in conversation[1:]] + [-100]
    return row + [-100] * (length - len(row))
