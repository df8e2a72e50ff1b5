"""WebSocket frames: JSON objects with a `type`, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec


class Auth(msgspec.Struct, frozen=True, tag="auth"):
    """The first frame of a socket without a cookie."""

    token: str


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Asks for every notification after the cursor."""

    cursor: int


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """Says that the client has stored everything up to the cursor."""

    cursor: int


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answers a ping."""


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Asks for the positions within a viewport."""

    bbox: tuple[float, float, float, float]
    zoom: float


class Unreadable(msgspec.Struct, frozen=True):
    """What came instead of a frame."""

    detail: str


ClientFrame = Auth | Resume | Ack | Pong | Subscribe

_decoder: Final[msgspec.json.Decoder[ClientFrame]] = msgspec.json.Decoder(ClientFrame)
_encoder: Final = msgspec.json.Encoder()


def read_frame(text: str) -> ClientFrame | Unreadable:
    """Return the client's frame in *text*, or what is wrong with it."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        return Unreadable(f"expected one of auth, resume, ack, pong, subscribe: {error}")


def hello(client_id: str, cursor: int) -> str:
    """Return the server's first frame: who the socket belongs to, and the newest cursor."""
    return _text({"type": "hello", "cursor": cursor, "clientId": client_id})


def notification(message: Mapping[str, Any], cursor: int | None = None) -> str:
    """Return the frame of a ``{clientId, notification}``; with *cursor* when all up to it has been sent."""
    frame = {"type": "notification", "clientId": message["clientId"], "notification": message["notification"]}
    return _text(frame if cursor is None else frame | {"cursor": cursor})


def positions(vessels: Iterable[Mapping[str, Any]]) -> str:
    """Return the frame of some vessels' newest positions."""
    return _text({"type": "positions", "vessels": list(vessels)})


def error(code: str, message: str) -> str:
    """Return the frame that says what went wrong: *code* for a program, *message* for a person."""
    return _text({"type": "error", "code": code, "message": message})


def ping(cursor: int) -> str:
    """Return a ping; all up to *cursor* has been sent."""
    return _text({"type": "ping", "cursor": cursor})


def _text(frame: Mapping[str, Any]) -> str:
    return _encoder.encode(frame).decode()
