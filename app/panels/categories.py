"""The categories dock: what objects can be, their colours, and the digit key that chooses each."""

import sqlite3  # noqa: F401
