"""Chapter 3: write a conversation in ChatML, as Qwen3 has it without tools and thoughts.

Every message becomes <|im_start|>ROLE, an end of line, its content, <|im_end|> and an end of line. With `prompt`, the
text ends with the beginning of the assistant's reply, and nothing else:

    [{"role": "user", "content": "Hi"}], prompt → "<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n"

A user must not end their own message: where a content contains the name of one of the two tokens, raise ValueError.
(qwen_blog does better: it encodes contents as plain text.)

把对话写成 ChatML。内容里若出现这两个特殊词元的名字，就抛出 ValueError，免得用户冒充别的角色。
"""


def chatml(messages: list[dict[str, str]], prompt: bool) -> str:
    """The whole conversation as one text. Raises ValueError for a content that contains <|im_start|> or <|im_end|>."""
    raise NotImplementedError("your turn")
