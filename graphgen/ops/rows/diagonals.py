"""Diagonals and triangles of matrices. See ``layout.py`` for the rules."""
