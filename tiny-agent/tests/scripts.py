"""A model that says what a test wants, and checks that every conversation it is sent is one that servers take."""

from tiny_agent.model import ModelFailed, Reply, ToolCall


class Script:
    """Replies one after the other: a text, a Reply, an exception, or a function of the messages."""

    name = "script"

    def __init__(self, *replies):
        self.replies, self.requests = list(replies), []

    def reply(self, messages, tools=(), stop=(), on_piece=None):
        check_history(messages)
        self.requests.append([dict(message) for message in messages])
        said = self.replies.pop(0) if self.replies else "Final Answer: (the script is over)"
        if callable(said):
            said = said(messages)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            said = Reply(said, [], "stop", 10, 5)
        if on_piece:
            on_piece(said.text)
        return said


def calls(*wanted, text="", finish="tool_calls"):
    """A reply that calls tools: (name, arguments as JSON text), or with an id in front."""
    made = []
    for number, each in enumerate(wanted):
        name, arguments = each[-2:]
        made.append(ToolCall(each[0] if len(each) == 3 else f"c{number}", name, arguments))
    return Reply(text, made, finish, 10, 5)


def check_history(messages):
    """What servers insist on: known roles, contents that aren't empty, one result for every call and none without."""
    waiting: list[str] = []
    for place, message in enumerate(messages):
        role = message["role"]
        assert role in ("system", "user", "assistant", "tool"), role
        if role == "tool":
            assert message["tool_call_id"] in waiting, (place, message)
            waiting.remove(message["tool_call_id"])
            assert isinstance(message["content"], str)
            continue
        assert not waiting, f"no result for {waiting} before message {place}"
        assert message.get("content") or message.get("tool_calls"), (place, message)
        if message.get("tool_calls"):
            import json

            ids = [call["id"] for call in message["tool_calls"]]
            assert len(set(ids)) == len(ids) and all(ids)
            assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in message["tool_calls"])
            waiting = ids
    assert not waiting, f"no result for {waiting}"


FAILED = ModelFailed("the server is gone")
