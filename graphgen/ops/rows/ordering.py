"""Sorting, the places of extreme elements, and selection by rank."""
