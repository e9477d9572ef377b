"""How the error of an action is shown beside the field that it is about."""

from __future__ import annotations

from django import forms

from livepin.errors import LivepinError


def refuse(form: forms.Form, error: LivepinError) -> None:
    """Add an action's error to a form: at the field that it names, or above all fields."""
    field = error.where if error.where in form.fields else None
    place = f" ({error.where})" if error.where and field is None else ""
    form.add_error(field, f"{error.message}{place}. {error.hint}")
