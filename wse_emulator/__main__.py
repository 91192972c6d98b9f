"""``python -m wse_emulator`` is the same as ``wse``."""

from wse_emulator.cli.main import main

if __name__ == "__main__":
    main()
