"""Masks, boxes, polygons and run-length encodings over plain numpy."""
