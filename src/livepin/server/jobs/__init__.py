"""What the server does on its own account: one small port to enqueue by, two engines behind it."""
