"""MLOps cycle time: how long it takes to get a model from an idea into use."""
