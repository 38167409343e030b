"""Private: names and modules in here may change with any release. The public ones are in ``cycletrace`` itself."""
