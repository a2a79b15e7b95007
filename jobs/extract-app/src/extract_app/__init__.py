"""Read the mobile app's orders and sessions of one business day."""
