"""The APIs of GitHub and GitLab: what they tell of runs, page by page, with patience."""
