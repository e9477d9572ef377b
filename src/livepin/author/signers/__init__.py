"""Where a signing key may live. Each signer turns a signing input into a signature, and nothing else."""
