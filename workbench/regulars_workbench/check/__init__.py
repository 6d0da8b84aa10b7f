"""`regulars check LAKE`: what is in a lake, what is odd about it, and whether its history is enough to train.

`run` makes the report. In findings/, `tables` counts what is there; `orders`, `columns`, `customers` and `identities`
apply the rules of rules/; `days` finds gaps and stray dates; `history` judges the history; `gaps` suggests a churn
horizon.
"""
