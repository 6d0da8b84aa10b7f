"""What is in a lake, what is odd about it, and what it suffices for: `regulars check LAKE`.

`run` puts it together; `tables` says what is there, `orders`, `customers` and `activity` what is odd by the rules of
`rules`, `days` what is missing or astray in time, `history` what can be learnt, `gaps` which churn horizon fits.
"""
