"""`python -m regulars` is the command line `regulars`, wherever the whole project is installed."""

from importlib.metadata import entry_points

[command] = entry_points(group="console_scripts", name="regulars")
command.load()()
