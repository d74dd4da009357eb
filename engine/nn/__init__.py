"""The network: operators, trunk, neck, heads, and the detector they make up. Tensors in network coordinates."""
