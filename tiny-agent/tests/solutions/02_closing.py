def closing(text: str) -> int | None:
    depth, quote, place = 0, "", 0
    while place < len(text):
        character = text[place]
        if character == "\\" and quote:
            place += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if not depth:
                return place + 1
        place += 1
    return None
