"""A solution of exercises/06_chatml.py."""


def chatml(messages: list[dict[str, str]], prompt: bool) -> str:
    text = ""
    for message in messages:
        if "<|im_start|>" in message["content"] or "<|im_end|>" in message["content"]:
            raise ValueError(f"a message contains a special token: {message['content']!r}")
        text += f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
    return text + "<|im_start|>assistant\n" * prompt
