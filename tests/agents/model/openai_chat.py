"""OpenAI's chat completions: `POST /v1/chat/completions`, whole and as a stream of chunks."""

from __future__ import annotations

import json

from .script import Ask, Reply, Tool, ToolCall
from .sse import event, plain_text

MODEL = "gpt-5"
USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


def read(body: dict) -> Ask:
    functions = [tool["function"] for tool in body.get("tools", []) if tool.get("type") == "function"]
    tools = [Tool(function["name"], function.get("parameters", {})) for function in functions]
    results = [
        (message.get("tool_call_id", ""), plain_text(message.get("content")))
        for message in body.get("messages", [])
        if message.get("role") == "tool"
    ]
    return Ask(tools, results)


def message(reply: Reply) -> dict:
    if isinstance(reply, ToolCall):
        function = {"name": reply.name, "arguments": json.dumps(reply.arguments)}
        call = {"index": 0, "id": reply.id, "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": reply.text}


def finish_reason(reply: Reply) -> str:
    return "tool_calls" if isinstance(reply, ToolCall) else "stop"


def whole(reply: Reply) -> dict:
    choice = {"index": 0, "message": message(reply), "finish_reason": finish_reason(reply)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
    return head | {"choices": [choice], "usage": USAGE}


def stream(reply: Reply) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    said = {"index": 0, "delta": message(reply), "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": finish_reason(reply)}
    chunks = [head | {"choices": [said]}, head | {"choices": [end], "usage": USAGE}, "[DONE]"]
    return b"".join(event(chunk) for chunk in chunks)
