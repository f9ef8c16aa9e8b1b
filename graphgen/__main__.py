"""``python -m graphgen``."""

from graphgen.cli import main

main()
