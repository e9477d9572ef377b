"""What forms share: texts one a line, identifiers, and errors of actions beside the field that they are about."""

from __future__ import annotations

from collections.abc import Iterator
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


@contextmanager
def refusals(form: forms.Form) -> Iterator[None]:
    """An action's error in this block goes to the form, and what comes after the block shows it."""
    try:
        yield
    except LivepinError as error:
        refuse(form, error)


@contextmanager
def at(field: str) -> Iterator[None]:
    """An error about input in this block is about this field."""
    try:
        yield
    except InputInvalid as error:
        raise ValueInvalid(error.code, error.message, where=field) from None


def refuse(form: forms.Form, error: LivepinError) -> None:
    """Add an action's error to a form: at the field that it names, or above all fields."""
    field = error.where if error.where in form.fields else None
    place = f" ({error.where})" if error.where and field is None else ""
    form.add_error(field, f"{error.message}{place}. {error.hint}")
