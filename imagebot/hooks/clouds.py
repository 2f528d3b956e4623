"""Events of the big clouds' registries: ECR, Google's, Azure's webhooks and Event Grid."""

import base64
import binascii
import re

from imagebot.delivery import Delivery
from imagebot.hooks.reading import (
    Image,
    Reading,
    Unreadable,
    at,
    document,
    hinted,
    ignored,
    image,
    image_of,
    parsed,
    text,
)

AZURE_PUSH = "Microsoft.ContainerRegistry.ImagePushed"
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_MAX_EVENTS = 1000
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{4,32}", re.ASCII)
_REGISTRY = re.compile(r"/registries/([A-Za-z0-9]{5,50})(?:/|$)", re.ASCII)


def ecr(delivery: Delivery) -> Reading:
    body = document(delivery)
    if text(body, "detail-type") != "ECR Image Action":
        return ignored("no action on an image")
    did = text(body, "detail", "action-type"), text(body, "detail", "result")
    if did != ("PUSH", "SUCCESS"):
        return ignored("no image was pushed")
    host = _ecr_host(text(body, "account"), text(body, "region"))
    return hinted(image(host, text(body, "detail", "repository-name")))


def _ecr_host(account: str, region: str) -> str:
    if not _ACCOUNT.fullmatch(account) or not _REGION.fullmatch(region):
        return ""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{domain}"


def google(delivery: Delivery) -> Reading:
    """A Pub/Sub message around the event, or the event alone where its payload is unwrapped."""
    body = document(delivery)
    event = _unwrapped(body) if at(body, "message") is not None else body
    if text(event, "action") != "INSERT":
        return ignored("no image was pushed")
    reference = text(event, "tag") or text(event, "digest")
    return hinted(image_of(reference) if reference else None)


def _unwrapped(body: object) -> object:
    written = at(body, "message", "data")
    if not isinstance(written, str):
        return None
    try:
        return parsed(base64.b64decode(written, validate=True))
    except binascii.Error as error:
        raise Unreadable("the message's data is not base64") from error
    except ValueError as error:  # letters beyond ASCII
        raise Unreadable("the message's data is not base64") from error


def acr(delivery: Delivery) -> Reading:
    body = document(delivery)
    action = text(body, "action")
    if action != "push":
        return ignored(f"the action {action or 'without a name'}")
    return hinted(azure_image(body))


def azure_image(told: object, registry: str = "") -> Image | None:
    """`registry`: its resource id, which names it where no host is told."""
    host = text(told, "request", "host")
    found = _REGISTRY.search(registry)
    if not host and found:
        host = f"{found[1]}.azurecr.io"
    return image(host, text(told, "target", "repository"))


def event_grid(delivery: Delivery) -> Reading:
    """In Event Grid's own schema (a list) or as CloudEvents; and the question whether we want any.

    `validationUrl`, which comes with the question, is never called.
    """
    body = document(delivery)
    events = body[:_MAX_EVENTS] if isinstance(body, list) else [body]
    for event in events:
        code = text(event, "data", "validationCode")
        if text(event, "eventType") == _VALIDATION and code:
            return Reading(ignored="a handshake", answer={"validationResponse": code})
    pushed = [
        event for event in events if AZURE_PUSH in (text(event, "type"), text(event, "eventType"))
    ]
    if not pushed:
        return ignored("no image was pushed")
    return hinted(*(azure_image(at(event, "data"), _resource(event)) for event in pushed))


def _resource(event: object) -> str:
    return text(event, "topic") or text(event, "source")
