"""The face: the public surface, light to import."""
