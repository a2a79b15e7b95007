"""Tell what is not normal in a series, and when it will meet a limit: plain functions, no clock."""
