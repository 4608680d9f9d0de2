"""Pipelines for people and for providers: Gantt charts, GitHub workflows, GitLab files. Pure text."""
