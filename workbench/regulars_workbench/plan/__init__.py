"""The costed plan: which customer gets which action, its cost, and its expected profit."""
