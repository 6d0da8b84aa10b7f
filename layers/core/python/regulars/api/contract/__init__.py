"""The contract of the API: what a request may have, and what a response has."""
