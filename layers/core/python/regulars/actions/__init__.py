"""Actions: what may be done for a customer, what it should change, what that is worth, and who gets it."""
