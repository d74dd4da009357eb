"""The network: operators, trunk, neck, heads, and the detector that they make up. Tensors in, tensors out, network coordinates."""
