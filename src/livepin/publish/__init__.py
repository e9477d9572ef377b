"""Bringing a signed document to its readers: written, read back, verified, and only then pointed to."""
