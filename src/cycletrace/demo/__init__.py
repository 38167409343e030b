"""A real model from its data into use, each step a process of its own."""
