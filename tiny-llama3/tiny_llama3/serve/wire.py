"""What clients may send, in the form of OpenAI's API: every field checked; what isn't known is ignored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from tiny_llama3.chat_template import Message
from tiny_llama3.sampling import Sampling

MOST_CHOICES, MOST_STOPS, MOST_LOGPROBS, MOST_PROMPTS, LONGEST_TEXT = 8, 4, 20, 64, 1_000_000
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class Refused(Exception):
    """The request can't be done; `status` is HTTP's, `code` OpenAI's word for it."""

    def __init__(self, message: str, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.code, self.param = message, status, code, param

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 and self.status != 429 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


class StreamOptions(BaseModel):
    include_usage: bool = False


class Common(BaseModel):
    model: str = ""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0  # this and the two after it are not OpenAI's, but widely understood
    min_p: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    repetition_penalty: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0
    max_tokens: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] = 1
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Text | list[Text] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None

    @field_validator("stop")
    @classmethod
    def _stops(cls, stop: str | list[str] | None) -> str | list[str] | None:
        texts = [stop] if isinstance(stop, str) else stop or []
        if len(texts) > MOST_STOPS or not all(texts):
            raise ValueError(f"at most {MOST_STOPS} texts, none of them empty")
        return stop

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or [])

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.temperature, self.top_k, self.top_p, self.min_p, self.repetition_penalty)

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


class Part(BaseModel):
    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[Part]

    def plain(self) -> Message:
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class ChatRequest(Common):
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    max_completion_tokens: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    tools: list[Any] | None = None
    response_format: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _possible(self) -> "ChatRequest":
        if self.tools:
            raise ValueError("this model calls no tools; describe them in a message")
        if self.response_format and self.response_format.get("type", "text") != "text":
            raise ValueError("only the response_format 'text' can be had")
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs: true")
        return self

    @property
    def most_tokens(self) -> int | None:
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens


class CompletionRequest(Common):
    prompt: Text | list[Text] | list[int] | list[list[int]]
    echo: bool = False
    logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None

    @field_validator("prompt")
    @classmethod
    def _some(cls, prompt: Any) -> Any:
        if isinstance(prompt, list) and (not prompt or (not isinstance(prompt[0], int) and len(prompt) > MOST_PROMPTS)):
            raise ValueError(f"between 1 and {MOST_PROMPTS} prompts")
        return prompt

    @property
    def prompts(self) -> list[str | list[int]]:
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [self.prompt]
        return list(self.prompt)


class EmbeddingRequest(BaseModel):
    model: str = ""
    input: Text | list[Text] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] = "float"

    @field_validator("input")
    @classmethod
    def _some(cls, texts: Any) -> Any:
        if isinstance(texts, list) and (not texts or (not isinstance(texts[0], int) and len(texts) > MOST_PROMPTS)):
            raise ValueError(f"between 1 and {MOST_PROMPTS} texts")
        return texts

    @property
    def texts(self) -> list[str | list[int]]:
        if isinstance(self.input, str):
            return [self.input]
        return [self.input] if isinstance(self.input[0], int) else list(self.input)


def parsed(kind: type[BaseModel], body: bytes) -> Any:
    """The request, or Refused with the first thing that is wrong with it."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][:3])
        raise Refused(f"{where + ': ' if where else ''}{first['msg']}", param=where or None) from None
