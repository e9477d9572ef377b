"""`make demo`: Livepin's story in a terminal, with real processes, each claim checked."""
