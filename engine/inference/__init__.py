"""From pixels to detections in the user's frame."""

from engine.inference.predictor import Features, Predictor

__all__ = ["Features", "Predictor"]
