"""The engine: everything that needs neither a display nor Qt."""
