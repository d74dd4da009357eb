"""The docks beside the canvas, one file a dock."""
