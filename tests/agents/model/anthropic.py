"""The Messages API of Anthropic: `POST /v1/messages`, whole and as a stream of events."""

from __future__ import annotations

import json

from .script import Ask, Reply, Tool, ToolCall
from .sse import event, plain_text

MODEL = "claude-sonnet-4-5"


def read(body: dict) -> Ask:
    tools = [Tool(tool["name"], tool.get("input_schema", {})) for tool in body.get("tools", [])]
    results = []
    for message in body.get("messages", []):
        content = message.get("content")
        for part in content if isinstance(content, list) else []:
            if part.get("type") == "tool_result":
                results.append((part.get("tool_use_id", ""), plain_text(part.get("content"))))
    return Ask(tools, results)


def block(reply: Reply) -> dict:
    if isinstance(reply, ToolCall):
        return {"type": "tool_use", "id": reply.id, "name": reply.name, "input": reply.arguments}
    return {"type": "text", "text": reply.text}


def message(content: list, stop_reason: str | None) -> dict:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def stop_reason(reply: Reply) -> str:
    return "tool_use" if isinstance(reply, ToolCall) else "end_turn"


def whole(reply: Reply) -> dict:
    return message([block(reply)], stop_reason(reply))


def stream(reply: Reply) -> bytes:
    if isinstance(reply, ToolCall):
        start = block(reply) | {"input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(reply.arguments)}
    else:
        start = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": reply.text}
    events = [
        {"type": "message_start", "message": message([], None)},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(reply), "stop_sequence": None},
            "usage": {"output_tokens": 10},
        },
        {"type": "message_stop"},
    ]
    return b"".join(event(data, name=data["type"]) for data in events)
