"""The synthetic world behind `regulars simulate`: customers, their orders, their responses, and the truth.

Instants of customers are days since the world's start (floats). Instants of rows are whole seconds since the start.
docs/world.md has the formulas, their sources and pictures.
"""
