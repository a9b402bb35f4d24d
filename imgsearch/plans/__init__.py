"""What is to be done with duplicate files: plans, carrying them out, taking that back."""
