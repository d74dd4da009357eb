"""The canvas: the image, the masks over it, the selection and the pointer, repainting only what changed."""
