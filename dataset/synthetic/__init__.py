"""Rendered plates: every kind of the schema by GA 36 geometry, seen by a camera."""
