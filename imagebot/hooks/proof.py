"""Whether who sends knows the receiver's secret: a signature, a header, or an address made of it.

Pure. Every comparison takes the same time however
much of it fits, and each of two secrets is tried to the end, since both are good while one takes
the place of the other.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from imagebot.delivery import Delivery, Head
from imagebot.secret import Secret

MAX_SKEW = timedelta(minutes=5)  # of a signed time: what Standard Webhooks recommends
_TOKEN_LETTERS = 40
_PREFIXED = re.compile(r"(sha256|sha384|sha512)=([0-9a-fA-F]{64,128})", re.ASCII)
_MAX_SIGNATURES = 5
_STANDARD = "whsec_"  # before a secret in base64 (Standard Webhooks)


def url_token(secret: Secret, sender: str, receiver: str) -> str:
    """The part of a receiver's address that nobody can guess who does not know the secret."""
    purpose = f"imagebot hook\0{sender}\0{receiver}".encode()
    return hmac.new(secret.reveal().encode(), purpose, hashlib.sha256).hexdigest()[:_TOKEN_LETTERS]


def is_url_right(token: str, secrets: Sequence[Secret], sender: str, receiver: str) -> bool:
    return _is_any(token, [url_token(secret, sender, receiver).encode() for secret in secrets])


def is_header_right(head: Head, name: str, secrets: Sequence[Secret]) -> bool:
    """The secret as it is; in `Authorization` also as a bearer token or a Basic password."""
    value = head.header(name)
    scheme, _, rest = value.partition(" ")
    wanted = [secret.reveal().encode() for secret in secrets]
    if name.lower() != "authorization" or scheme.lower() not in ("bearer", "basic"):
        return _is_any(value, wanted)
    if scheme.lower() == "bearer":
        whole = _is_any(value, wanted)  # a secret may have been written with its scheme
        return _is_any(rest.strip(), wanted) or whole
    return _is_any(_password(rest.strip()), wanted)


def _password(encoded: str) -> str:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return decoded.decode("latin-1").partition(":")[2]


def is_signature_right(
    sender: str, header: str, delivery: Delivery, secrets: Sequence[Secret], now: datetime
) -> bool:
    """Whether one of the secrets signed the body as it was sent."""
    keys = [secret.reveal().encode() for secret in secrets]
    written = delivery.header(header)
    if sender == "gitlab":
        return _is_standard(delivery, written, keys, now)
    if sender == "nexus":
        return _is_any(written.lower(), [_signed(key, delivery.body, "sha1") for key in keys])
    found = _PREFIXED.fullmatch(written)
    if found and sender in ("cloudevents", "generic"):
        algorithm, written = found[1], found[2]
    else:
        algorithm, written = "sha256", written.removeprefix("sha256=")
    return _is_any(written.lower(), [_signed(key, delivery.body, algorithm) for key in keys])


def _is_standard(delivery: Delivery, written: str, keys: Sequence[bytes], now: datetime) -> bool:
    """Standard Webhooks: id, time and body are signed; there may be several signatures."""
    delivery_id, sent_at = delivery.header("webhook-id"), delivery.header("webhook-timestamp")
    if not delivery_id or not re.fullmatch(r"[0-9]{1,12}", sent_at, re.ASCII):
        return False
    if abs(now.timestamp() - int(sent_at)) > MAX_SKEW.total_seconds():
        return False
    signed = f"{delivery_id}.{sent_at}.".encode("latin-1", "replace") + delivery.body
    wanted = [
        base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        for plain in keys
        for key in (plain, _standard_key(plain))
    ]
    given = [each.removeprefix("v1,") for each in written.split(" ")[:_MAX_SIGNATURES]]
    found = [_is_any(each, wanted) for each in given]
    return any(found)


def _standard_key(plain: bytes) -> bytes:
    text = plain.decode("ascii", "replace")
    try:
        return base64.b64decode(text.removeprefix(_STANDARD), validate=True) or plain
    except (binascii.Error, ValueError):
        return plain


def _signed(key: bytes, body: bytes, algorithm: str) -> bytes:
    return hmac.new(key, body, algorithm).hexdigest().encode()


def _is_any(given: str, wanted: Sequence[bytes]) -> bool:
    """`given` is a header's or address's text, of which the server made one letter a byte."""
    found = [hmac.compare_digest(given.encode("latin-1", "replace"), each) for each in wanted]
    return bool(given) and any(found)
