"""The effect of a plan after its horizon: treated against control, in orders, money and profit."""
