"""Where documents are put for a CDN to serve. Every origin keeps the same contract."""
