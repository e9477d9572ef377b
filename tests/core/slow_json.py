"""A second reader of strict JSON, written from RFC 8259 and the design alone: one character at a time, no shortcuts."""

from __future__ import annotations

DIGITS = "0123456789"
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NotStrict(Exception):
    """The text is not strict JSON."""


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def peek(self) -> str:
        return self.text[self.place] if self.place < len(self.text) else ""

    def take(self) -> str:
        found = self.peek()
        if not found:
            raise NotStrict("it ends")
        self.place += 1
        return found

    def expect(self, word: str) -> None:
        for character in word:
            if self.take() != character:
                raise NotStrict(word)

    def blank(self) -> None:
        while self.peek() and self.peek() in " \t\n\r":
            self.place += 1

    def value(self, depth: int) -> object:
        self.blank()
        found = self._value(depth)
        self.blank()
        return found

    def _value(self, depth: int) -> object:
        start = self.peek()
        if start and start in "{[":
            if depth > 16:
                raise NotStrict("depth")
            return self.members(depth) if start == "{" else self.items(depth)
        if start == '"':
            return self.string()
        if start == "t":
            self.expect("true")
            return True
        if start == "f":
            self.expect("false")
            return False
        return self.number()  # null is no value

    def members(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self.expect("{")
        self.blank()
        while self.peek() != "}":
            if found:
                self.expect(",")
                self.blank()
            name = self.string()
            if name in found:
                raise NotStrict("twice")
            self.blank()
            self.expect(":")
            found[name] = self.value(depth + 1)
        self.expect("}")
        return found

    def items(self, depth: int) -> list[object]:
        items: list[object] = []
        self.expect("[")
        self.blank()
        while self.peek() != "]":
            if items:
                self.expect(",")
            items.append(self.value(depth + 1))
        self.expect("]")
        return items

    def number(self) -> int:
        sign = self.take() if self.peek() == "-" else ""
        digits = ""
        while self.peek() and self.peek() in DIGITS:
            digits += self.take()
        if not digits or (digits[0] == "0" and (len(digits) > 1 or sign)) or (self.peek() and self.peek() in ".eE"):
            raise NotStrict("number")
        if len(digits) > 16 or int(digits) > 2**53 - 1:
            raise NotStrict("range")
        return int(sign + digits)

    def string(self) -> str:
        self.expect('"')
        units: list[int] = []
        while (character := self.take()) != '"':
            if ord(character) < 0x20:
                raise NotStrict("control character")
            units += self.escape() if character == "\\" else utf_16(character)
        return from_utf_16(units)

    def escape(self) -> list[int]:
        kind = self.take()
        if kind != "u":
            if kind not in ESCAPES:
                raise NotStrict("escape")
            return utf_16(ESCAPES[kind])
        digits = "".join(self.take() for _ in range(4))
        if any(digit not in DIGITS + "abcdefABCDEF" for digit in digits):
            raise NotStrict("escape")
        return [int(digits, 16)]


def utf_16(character: str) -> list[int]:
    data = character.encode("utf-16-be")
    return [int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2)]


def from_utf_16(units: list[int]) -> str:
    try:
        return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")
    except UnicodeDecodeError:
        raise NotStrict("surrogate") from None


def loads(data: bytes) -> object:
    """Value of strict JSON. Raises `NotStrict`."""
    try:
        reader = Reader(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise NotStrict("not UTF-8") from None
    found = reader.value(1)
    if reader.peek():
        raise NotStrict("it goes on")
    return found
