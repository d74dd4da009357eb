"""From pixels to detections in the user's frame."""

from engine.inference.predictor import CategoryMasks, Features, Predictor, SoftDetection

__all__ = ["CategoryMasks", "Features", "Predictor", "SoftDetection"]
