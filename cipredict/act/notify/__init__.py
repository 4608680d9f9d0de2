"""The door to people: chat, mail, webhooks and a hundred services more, all through apprise."""
