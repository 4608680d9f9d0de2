"""Workflow files of GitHub and GitLab into records that know their lines."""
