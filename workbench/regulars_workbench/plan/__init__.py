"""The costed plan: who gets which action, for how much, and what it should bring."""
