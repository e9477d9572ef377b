"""An independent writer of Livepin's format: the cases of `tests/vectors`, and what they are made with.

Nothing here imports `livepin`. What a reader gets wrong cannot be repeated here, and every expected outcome is
written by hand beside its case.
"""
