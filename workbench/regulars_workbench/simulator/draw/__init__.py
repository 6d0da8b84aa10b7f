"""Random draws: customers, orders, events and treatments."""
