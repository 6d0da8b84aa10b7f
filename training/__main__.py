"""`python -m training` is the same command line as `regulars`."""

from training.cli import main

main()
