"""Properties are checked on sixty examples, without a deadline: on a busy machine a single one may take long."""

from hypothesis import settings

settings.register_profile("geometry", deadline=None, max_examples=60)
settings.load_profile("geometry")
