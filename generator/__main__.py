"""`python -m generator` is `sn-smtp`."""

from generator.cli import main

if __name__ == "__main__":
    main()
