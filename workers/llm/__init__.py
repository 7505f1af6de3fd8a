"""Language models, asked in the background: nothing that answers a request imports this."""
