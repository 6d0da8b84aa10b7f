"""The synthetic world behind `regulars simulate`: who the customers are, when they buy, how they respond, what is true.

Inside the world an instant is a number of days since its start where it belongs to a customer (a float), and a whole
number of seconds where it becomes a row; docs/world.md has the formulas, their sources and pictures.
"""
