"""Fine-tuning, evaluation, and the proof that it helped."""
