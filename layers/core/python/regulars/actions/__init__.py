"""Actions: what may be offered to a customer, its effect, its worth, and the recommendation.

Reading order: catalogue, expressions, offers, effects, value, words, valuation, random_draws, shadow_prices, recommend,
advice.
"""
