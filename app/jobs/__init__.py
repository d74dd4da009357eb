"""Work that the window never waits for: threads for pixels and predictions, subprocesses for headless verbs."""
