"""How good the models are on time that they have not seen."""
