"""Try the template for real: validate, build, and invoke each function in a container of its own."""
