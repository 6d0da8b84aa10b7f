"""What a bundle holds, and how its models answer."""
