"""`python -m bridge` is the same as `gelf-bridge`."""

from bridge.cli import main

if __name__ == "__main__":
    main()
