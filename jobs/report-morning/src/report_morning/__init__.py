"""Write the morning report: tables, one page and its JSON."""
