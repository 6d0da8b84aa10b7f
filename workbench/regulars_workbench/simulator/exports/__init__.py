"""Raw exports of a simulated shop, with planted defects."""
