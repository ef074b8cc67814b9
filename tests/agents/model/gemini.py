"""Google's `generateContent` and `streamGenerateContent`."""

from __future__ import annotations

from .script import Ask, Reply, Tool, ToolCall
from .sse import event, plain_text


def read(body: dict) -> Ask:
    declarations = [
        declaration for tool in body.get("tools", []) for declaration in tool.get("functionDeclarations", [])
    ]
    tools = [Tool(one["name"], lower_types(schema_of(one))) for one in declarations]
    results = []
    for content in body.get("contents", []):
        for part in content.get("parts", []):
            answer = part.get("functionResponse")
            if answer:
                results.append((answer.get("id", ""), plain_text(answer.get("response"))))
    return Ask(tools, results)


def schema_of(declaration: dict) -> dict:
    return declaration.get("parametersJsonSchema") or declaration.get("parameters") or {}


def lower_types(schema: object) -> object:
    """Gemini's own schemas write `STRING` where JSON schema writes `string`."""
    if isinstance(schema, list):
        return [lower_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    lowered = {key: lower_types(value) for key, value in schema.items()}
    if isinstance(lowered.get("type"), str):
        lowered["type"] = lowered["type"].lower()
    return lowered


def whole(reply: Reply) -> dict:
    if isinstance(reply, ToolCall):
        part = {"functionCall": {"id": reply.id, "name": reply.name, "args": reply.arguments}}
    else:
        part = {"text": reply.text}
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-pro"}


def stream(reply: Reply) -> bytes:
    return event(whole(reply))
