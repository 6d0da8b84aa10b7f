"""A first map for files of any shop: drafted from their columns, with the evidence beside each guess.

Reading order: profile (what the columns hold), names (what columns are called), guess (which column is what), grain
(what one row is), write (the map as text), preview (ten rows as they would be read), run (all of it).
"""
