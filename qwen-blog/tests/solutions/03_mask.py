"""A solution of exercises/03_mask.py."""


def may_look(documents: list[int], window: int | None) -> list[list[int]]:
    looks = []
    for asking, own in enumerate(documents):
        seen = [place for place in range(asking) if documents[place] == own != 0]
        near = [place for place in seen if window is None or asking - place < window]
        looks.append([*near, asking])
    return looks
