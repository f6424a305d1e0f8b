"""The way of a query from the bytes of its body to the bytes of its answer."""
