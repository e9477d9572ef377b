"""The API under `/api/v1`: one file per noun. It turns requests into actions and what comes back into JSON."""
