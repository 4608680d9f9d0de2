"""The published bundle into answers: what the nightly job learned, readable without the libraries that learned it."""
