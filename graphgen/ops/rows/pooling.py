"""Pooling: windows, then a reduction."""
