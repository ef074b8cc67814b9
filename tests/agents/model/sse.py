"""Small pieces that the wire formats share."""

from __future__ import annotations

import json


def event(data: object, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{head}data: {text}\n\n".encode()


def plain_text(content: object) -> str:
    """The text of a message, a tool result or a list of their parts, however deep it is wrapped."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(plain_text(part) for part in content)
    if isinstance(content, dict):
        return plain_text(content.get("text", list(content.values())))
    return ""
