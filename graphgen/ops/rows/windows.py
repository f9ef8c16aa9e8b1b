"""Sliding windows and their overlap-add, an adjoint pair. See ``layout.py`` for the rules."""
