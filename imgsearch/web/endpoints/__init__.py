"""What answers each address of the interface."""
