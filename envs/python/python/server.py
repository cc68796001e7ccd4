"""The Python end of @tessera/env-python: builds gymnasium environments and steps them as the frames on file descriptor 3 say.

This file alone is read by Pythons of any age, so that one that is too old can say so; it therefore keeps to what they all understand.
"""

import os
import sys

OLDEST = (3, 8)
DESCRIPTOR = 3


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    # Modules of environments are looked for as `python -m` does: in the working directory first, never in this package.
    others = [path for path in sys.path if os.path.abspath(path) not in (here, os.getcwd())]
    sys.path[:] = [here]
    sys.path.extend(others)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    from tessera_bridge.connection import Connection
    from tessera_bridge.session import Session

    sys.path[0] = os.getcwd()
    sys.dont_write_bytecode = writes_bytecode
    Session(Connection(DESCRIPTOR)).run()


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write("tessera: too old: Python %s\n" % found)
        sys.exit(4)
    main()
