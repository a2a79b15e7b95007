"""Made-up data that shows what the dashboard is for."""
