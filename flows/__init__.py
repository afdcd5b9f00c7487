"""The verbs of the service: each takes its engine first and shows three blocks, gather, decide, apply.

Gather is one transaction, decide is pure, apply is one transaction; none is open while a template
renders or a socket talks. Every verb takes the `act` that says who does it and when.
"""
