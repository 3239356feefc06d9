import json


def read_journal(data: bytes) -> tuple[dict[str, str], set[str]]:
    answers, sent = {}, set()
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        row = json.loads(line)
        sent.add(row["key"])
        if "answer" in row:
            answers[row["key"]] = row["answer"]
    return answers, sent - answers.keys()
