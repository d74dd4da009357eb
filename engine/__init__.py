"""Maskwright's engine: everything that is not Qt. Importable, usable and tested without a display.

Seven floors, each importing only from those below: verbs, learning, inference, checkpoints, nn, project and formats,
records and geometry. torch is not imported below nn, and this package itself imports nothing, so that
`import engine.project` stays quick.
"""
