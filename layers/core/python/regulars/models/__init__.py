"""The bundle's content, and how its models answer."""
