"""One or two lines for what lies beside `ssl`: clients that do not go through it, metrics, processes started anew."""
