"""What chat and paging services say that they take: each judges a request by its own pages.

Each function raises AssertionError for what the service would answer with 400.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["judge_opsgenie", "judge_pagerduty", "judge_slack", "judge_teams"]


def judge_slack(document: dict[str, Any]) -> None:
    """Slack: docs.slack.dev/reference/block-kit/blocks, messages 40,000, blocks 50."""
    (attachment,) = document["attachments"]
    assert len(attachment.get("text", "")) <= 40_000
    assert len(attachment.get("title", "")) <= 150
    blocks = attachment.get("blocks", [])
    assert len(blocks) <= 50
    for block in blocks:
        if block["type"] == "header":
            assert 1 <= len(block["text"]["text"]) <= 150
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
            assert block["text"]["type"] in {"mrkdwn", "plain_text"}


def judge_pagerduty(document: dict[str, Any]) -> None:
    """PagerDuty: developer.pagerduty.com, Events API v2, "Send an event"."""
    assert len(document["routing_key"]) == 32
    assert document["event_action"] in {"trigger", "acknowledge", "resolve"}
    assert 1 <= len(document["dedup_key"]) <= 255
    assert len(json.dumps(document)) <= 512 * 1024
    if document["event_action"] == "trigger":
        payload = document["payload"]
        assert 1 <= len(payload["summary"]) <= 1024
        assert payload["severity"] in {"critical", "error", "warning", "info"}
        assert payload["source"]
        assert all(each["href"].startswith("https://") for each in document.get("links", ()))


def judge_opsgenie(document: dict[str, Any]) -> None:
    """Opsgenie: docs.opsgenie.com, Alert API, "Create Alert"."""
    assert 1 <= len(document["message"]) <= 130
    assert len(document["description"]) <= 15_000
    assert len(document["alias"]) <= 512
    assert len(document["entity"]) <= 512
    assert len(document["source"]) <= 100
    assert document["priority"] in {"P1", "P2", "P3", "P4", "P5"}


def judge_teams(document: dict[str, Any]) -> None:
    """Teams: learn.microsoft.com, "Create incoming webhooks with Workflows": 28 KB a message."""
    assert len(json.dumps(document).encode()) <= 28 * 1024
    (attachment,) = document["attachments"]
    assert document["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert all(block["text"] for block in card["body"] if block["type"] == "TextBlock")
