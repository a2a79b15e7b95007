"""Money: pure functions over the ledger's rows and a table of prices.

Whoever records an attempt imports `prices` only: it stays light.
"""
