"""OpenAI's responses: `POST /v1/responses`, whole and as a stream of events."""

from __future__ import annotations

import json

from .script import Ask, Reply, Tool, ToolCall
from .sse import event, plain_text

MODEL = "gpt-5"
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 20,
}


def read(body: dict) -> Ask:
    tools = [
        Tool(tool["name"], tool.get("parameters", {}))
        for tool in body.get("tools", [])
        if tool.get("type") == "function"
    ]
    items = body.get("input", [])
    results = [
        (item.get("call_id", ""), plain_text(item.get("output")))
        for item in (items if isinstance(items, list) else [])
        if item.get("type") == "function_call_output"
    ]
    return Ask(tools, results)


def item(reply: Reply) -> dict:
    if isinstance(reply, ToolCall):
        return {
            "type": "function_call",
            "id": "fc_1",
            "call_id": reply.id,
            "name": reply.name,
            "arguments": json.dumps(reply.arguments),
            "status": "completed",
        }
    part = {"type": "output_text", "text": reply.text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def response(output: list, status: str) -> dict:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": MODEL,
        "output": output,
        "usage": USAGE,
    }


def whole(reply: Reply) -> dict:
    return response([item(reply)], "completed")


def stream(reply: Reply) -> bytes:
    done = item(reply)
    place = {"item_id": done["id"], "output_index": 0}
    events: list[dict] = [
        {"type": "response.created", "response": response([], "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": opened(done)},
    ]
    if isinstance(reply, ToolCall):
        arguments = done["arguments"]
        events += [
            {"type": "response.function_call_arguments.delta", "delta": arguments} | place,
            {"type": "response.function_call_arguments.done", "arguments": arguments} | place,
        ]
    else:
        place |= {"content_index": 0}
        part = done["content"][0]
        events += [
            {"type": "response.content_part.added", "part": part | {"text": ""}} | place,
            {"type": "response.output_text.delta", "delta": reply.text} | place,
            {"type": "response.output_text.done", "text": reply.text} | place,
            {"type": "response.content_part.done", "part": part} | place,
        ]
    events += [
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": whole(reply)},
    ]
    return b"".join(
        event(data | {"sequence_number": number}, name=data["type"]) for number, data in enumerate(events)
    )


def opened(done: dict) -> dict:
    """The item as it is announced, before its content has come."""
    empty = {"arguments": ""} if done["type"] == "function_call" else {"content": []}
    return done | empty | {"status": "in_progress"}
