"""Statistics, tables and pictures, made from facts and from nothing else."""
