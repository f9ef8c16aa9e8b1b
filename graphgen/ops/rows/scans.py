"""Sums and products that run along an axis."""
