"""Lets `python -m classifier` run the command line."""

from classifier.cli import main

if __name__ == "__main__":
    main()
