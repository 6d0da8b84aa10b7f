"""`python -m regulars` runs the command `regulars`, where the whole project is installed."""

from importlib.metadata import entry_points

[command] = entry_points(group="console_scripts", name="regulars")
command.load()()
