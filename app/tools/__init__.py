"""What the pointer does on the canvas: one file a tool, all with the interface of `base.Tool`."""
