"""The processes that run the application, and their log."""
