"""The trust core: pure functions over bytes. No I/O, no clock, no global state."""
