"""Quality checks of annotations: what may be wrong, why it matters, and fixes that can be undone."""
