"""The synthetic world behind `regulars simulate`: who the customers are, when they buy, what they do between orders.

Times inside the world are days since its start, as floats; `Clock.stamps` makes them instants at the very end.
"""
