"""Gate plans as tables, Markdown, annotations and report files; pure functions, and no text of theirs is a command."""
