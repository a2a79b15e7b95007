"""Who may see and act: logins, roles, sessions, forms that nobody else can send."""
