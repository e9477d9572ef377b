"""Looking at live endpoints: what they serve now, and how that fits the pins."""
