"""What pinning costs, as ratios: both sides measured in turn in one run, because machines are noisy."""
