"""The `livepin` command, one file per noun. Needs the `cli` extra."""
