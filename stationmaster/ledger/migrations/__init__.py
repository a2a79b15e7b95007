"""How the ledger's tables came to be, one file a change; run by `Ledger.migrate`."""
