"""The SDK: fetches and keeps the document, and judges every TLS peer before the first application byte."""
