"""Changes of the served indexes: jobs, their queue, and the process that runs them."""
