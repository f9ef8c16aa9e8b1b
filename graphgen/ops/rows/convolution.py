"""Convolutions: windows, then a contraction; no gradient is written by hand."""
