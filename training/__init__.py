"""The offline side: simulate, build the dataset, fit, evaluate, export, package; and the command line."""
