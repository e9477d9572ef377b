"""One or two lines for each TLS client that does not go through `ssl`."""
