"""What a person does at a desk: the command line, and what its commands do.

Reading order, which is also the direction of imports:
resources, console, invoke, draft, simulator, check, describe, plan, measure, batch, export, cli.
"""
