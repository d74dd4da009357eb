"""The one door of Maskwright: no verb opens the window, a verb runs headless."""

import os
import sys
from pathlib import Path

# Before torch loads: its workers sleep while they wait, or they slow down everything beside them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main() -> int:
    import engine

    home, found = Path(__file__).resolve().parent, Path(engine.__file__).resolve().parent.parent
    if home != found:
        print(f"main.py is in {home}, but its engine was imported from {found}. Run", file=sys.stderr)
        print(f"'pip install -e {home}' in this environment, or start the other main.py.", file=sys.stderr)
        return 2
    if len(sys.argv) > 1 and not sys.argv[1].endswith(".maskwright"):
        from engine import verbs

        return verbs.main()
    from app import start

    return start.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
