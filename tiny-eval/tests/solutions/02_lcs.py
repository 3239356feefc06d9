"""The textbook table, of which only the last row is kept."""


def lcs_length(a: list[str], b: list[str]) -> int:
    above = [0] * (len(b) + 1)
    for item in a:
        row = [0]
        for j, other in enumerate(b):
            row.append(above[j] + 1 if item == other else max(above[j + 1], row[j]))
        above = row
    return above[-1]
