"""Making documents: the project file, staging, and the keys that sign."""
