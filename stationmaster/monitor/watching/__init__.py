"""The watcher: looks, changes incidents, and sends what the outbox holds."""
