"""A tokenizer folder as an official Qwen has it, made with `tokenizers` from a few texts, with its chat templates.

The templates are Jinja programs for the two formats, written for these tests; `transformers` renders them.
"""

import json
import random

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from qwen_blog.tokenizer import QWEN_PATTERN

TEXTS = [
    "The quick brown fox doesn't jump over 12 lazy dogs.",
    "It's what we'll see: they've  said I'd be 34,567.8!",
    "今天天气很好，我们去公园散步吧。",
    "def f(x):\n    return x ** 2\n\n\n# done\r\n",
    "Größe, naïve, çà et là; Привет, мир",
]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
NAMED = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]

_START = "{%- macro say(role, text) %}<|im_start|>{{ role }}\n{{ text }}<|im_end|>\n{% endmacro %}"
_TOOLS = (
    "# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided with "
    "function signatures within <tools></tools> XML tags:\\n<tools>"
)
_TOOLS_END = (
    "\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": '
    "<args-json-object>}\\n</tool_call><|im_end|>\\n"
)
_RESULTS = """
{%- macro result(loop) %}
{%- if loop.first or loop.previtem.role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}
{{- '\\n<tool_response>\\n' }}{{ messages[loop.index0].content }}{{ '\\n</tool_response>' }}
{%- if loop.last or loop.nextitem.role != 'tool' %}{{ '<|im_end|>\\n' }}{% endif %}
{%- endmacro %}"""
QWEN25 = (
    """{%- set usual = 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' %}
{%- set given = messages[0].content if messages[0].role == 'system' else usual %}
{%- if not tools and messages[0].role != 'system' %}
{{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
{%- elif not tools %}{{ '<|im_start|>system\\n' ~ given ~ '<|im_end|>\\n' }}
{%- else %}{{ '<|im_start|>system\\n' ~ given ~ '\\n\\n' }}{{ \""""
    + _TOOLS + '" }}{%- for tool in tools %}{{ "\\n" ~ (tool | tojson) }}{%- endfor %}{{ "' + _TOOLS_END
    + '" }}{%- endif %}'
    + _RESULTS + """
{%- for message in messages %}
{%- set content = message.content or '' %}
{%- if message.role == 'tool' %}{{ result(loop) }}
{%- elif message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant' ~ ('\\n' ~ content if content else '') }}
{%- for call in message.tool_calls %}{%- set call = call.function or call %}
{{- '\\n<tool_call>\\n{"name": "' ~ call.name ~ '", "arguments": ' ~ (call.arguments | tojson) ~ '}\\n</tool_call>' }}
{%- endfor %}{{ '<|im_end|>\\n' }}
{%- elif message.role != 'system' or not loop.first %}
{{- '<|im_start|>' ~ message.role ~ '\\n' ~ content ~ '<|im_end|>\\n' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
)  # fmt: skip
QWEN3 = (
    """{%- set system = messages[0].content if messages[0].role == 'system' else none %}
{%- if tools %}{{ '<|im_start|>system\\n' ~ (system ~ '\\n\\n' if system is not none else '') }}{{ \""""
    + _TOOLS + '" }}{%- for tool in tools %}{{ "\\n" ~ (tool | tojson) }}{%- endfor %}{{ "' + _TOOLS_END + '" }}'
    """{%- elif system is not none %}{{ '<|im_start|>system\\n' ~ system ~ '<|im_end|>\\n' }}{%- endif %}"""
    + _RESULTS + """
{%- set seen = namespace(question=messages | length - 1, found=false) %}
{%- for message in messages | reverse %}
{%- if message.role == 'user' and message.content is string and not seen.found
       and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
{%- set seen.found = true %}{%- set seen.question = messages | length - loop.index %}
{%- endif %}{%- endfor %}
{%- for message in messages %}
{%- set content = message.content if message.content is string else '' %}
{%- if message.role == 'tool' %}{{ result(loop) }}
{%- elif message.role == 'assistant' %}
{%- set thoughts = message.reasoning_content if message.reasoning_content is string else '' %}
{%- if message.reasoning_content is not string and '</think>' in content %}
{%- set thoughts = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- endif %}
{{- '<|im_start|>assistant\\n' }}
{%- if loop.index0 > seen.question and (loop.last or thoughts) %}
{{- '<think>\\n' ~ thoughts.strip('\\n') ~ '\\n</think>\\n\\n' ~ content.lstrip('\\n') }}
{%- else %}{{ content }}{%- endif %}
{%- for call in message.tool_calls or [] %}{%- if content or not loop.first %}{{ '\\n' }}{% endif %}
{%- set call = call.function or call %}
{{- '<tool_call>\\n{"name": "' ~ call.name ~ '", "arguments": ' }}
{{- call.arguments if call.arguments is string else (call.arguments | tojson) }}{{ '}\\n</tool_call>' }}
{%- endfor %}{{ '<|im_end|>\\n' }}
{%- elif message.role != 'system' or not loop.first %}
{{- '<|im_start|>' ~ message.role ~ '\\n' ~ content ~ '<|im_end|>\\n' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"""
)  # fmt: skip


def make(folder, template=QWEN25, size=600):
    """Write tokenizer.json, vocab.json, merges.txt and tokenizer_config.json; returns the tokenizer of `tokenizers`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizers.Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(QWEN_PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))  # fmt: skip
    made.model.save(str(folder))  # vocab.json and merges.txt
    made.add_special_tokens(SPECIAL)
    made.add_tokens([tokenizers.AddedToken(name, special=False, normalized=False) for name in NAMED])
    made.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
              "chat_template": template,
              "added_tokens_decoder": {str(made.token_to_id(name)): {"content": name, "special": name in SPECIAL}
                                       for name in SPECIAL + NAMED}}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return made


RANGES = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F),
          (0xE00, 0xE7F), (0x1100, 0x11FF), (0x2000, 0x206F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
          (0xFE00, 0xFE0F), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0, 0x20)]  # fmt: skip


def random_text(chance: random.Random) -> str:
    """Any scripts, spaces of all kinds, digits, ends of English words, and the names of special tokens."""
    pieces = []
    for _ in range(chance.randint(0, 12)):
        kind = chance.random()
        if kind < 0.5:
            low, high = chance.choice(RANGES)
            pieces.append("".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 6))))
        elif kind < 0.7:
            pieces.append(
                chance.choice([" ", "  ", "\n", "\r\n", " \n ", "\t", "\u3000", "\u00a0", "'s", "'LL", "’s", "1234"])
            )
        elif kind < 0.9:
            pieces.append(chance.choice(" ".join(TEXTS).split(" ")))
        else:
            pieces.append(chance.choice([*SPECIAL, *NAMED, "<|im_", "<think"]))
    return "".join(pieces)
