"""What forms share: texts one a line, identifiers, and errors of actions beside the field that they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django import forms

from livepin.errors import InputInvalid, LivepinError, ValueInvalid


class Lines(forms.CharField):
    """Several texts, one a line."""

    def __init__(self, **given: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}), required=False, **given)

    def to_python(self, value: str | None) -> list[str]:  # type: ignore[override]
        """The lines that say something."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        """A list as lines."""
        return "\n".join(value) if isinstance(value, list | tuple) else value


class Identity(forms.Form):
    """What a new organization or project is called: by applications for ever, and by people."""

    identifier = forms.CharField(
        max_length=64,
        help_text="Applications embed it; it never changes. Letters, digits, dots, hyphens and underscores.",
    )
    name = forms.CharField(max_length=100, required=False, help_text="For people; it can be changed at any time.")


class Confirmed(forms.Form):
    """What cannot be taken back: whoever asks types what it is about. `wanted`: that identifier."""

    confirmation = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *given: Any, wanted: str, **named: Any) -> None:
        super().__init__(*given, **named)
        self._wanted = wanted
        self.fields["confirmation"].label = f"Type {wanted} to confirm"

    def clean_confirmation(self) -> str:
        """Compare it."""
        typed: str = self.cleaned_data["confirmation"].strip()
        if typed != self._wanted:
            raise forms.ValidationError(f"It is not {self._wanted}.")
        return typed


class Versioned(forms.Form):
    """A change of a draft, which names the version that it was made from."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    #: Whether somebody else changed the draft meanwhile.
    overtaken = False

    def renew(self, version: int, says: Mapping[str, Any]) -> None:
        """After `overtaken`: keep what was typed, say what the draft says now, and let the next try count from there.

        `says`: values by field, where the form puts something in the place of something.
        """
        self.data = {**dict(self.data.items()), "version": str(version)}
        for name, now in says.items():
            if name != "version" and name in self.cleaned_data and self.cleaned_data[name] != now:
                shown = ", ".join(map(str, now)) if isinstance(now, list) else now
                self.add_error(name, f"The draft says {shown or 'nothing'} now. Yours stands here, and is not saved.")


def whole(text: str) -> int | None:
    """The number in an address; None for what is none, or is longer than any of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class refusals:  # used like a function
    """An action's error in this block goes to the form, and what comes after the block shows it."""

    def __init__(self, form: forms.Form) -> None:
        self._form = form

    def __enter__(self) -> None:
        """Nothing to do before."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Take the error, if it is one of an action."""
        if isinstance(error, LivepinError):
            refuse(self._form, error)
        return isinstance(error, LivepinError)


@contextmanager
def at(field: str) -> Iterator[None]:
    """An error about input in this block is about this field."""
    try:
        yield
    except InputInvalid as error:
        raise ValueInvalid(error.code, error.message, where=field) from None


def refuse(form: forms.Form, error: LivepinError) -> None:
    """Add an action's error to a form: at the field that it names, or above all fields."""
    if isinstance(form, Versioned) and error.code == "draft_changed":
        form.overtaken = True
        text = "Somebody else changed the draft meanwhile"
        form.add_error(None, f"{text}: {error.message}. Nothing that you typed is lost: look again, and send it again.")
        return
    field = error.where if error.where in form.fields else None
    place = f" ({error.where})" if error.where and field is None else ""
    form.add_error(field, f"{error.message}{place}. {error.hint}")
