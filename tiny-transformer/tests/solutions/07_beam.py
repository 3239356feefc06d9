"""All continuations in one list; the sort's key settles equal scores."""


def beam_step(
    scores: list[float], log_p: list[list[float]], done: list[bool], width: int, pad: int
) -> list[tuple[float, int, int]]:
    grown = []
    for beam, score in enumerate(scores):
        if done[beam]:
            grown.append((score, beam, pad))
        else:
            grown += [(score + more, beam, token) for token, more in enumerate(log_p[beam])]
    return sorted(grown, key=lambda one: (-one[0], one[1], one[2]))[:width]
