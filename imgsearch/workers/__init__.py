"""Processes on other machines that read and embed, and the executor that hands them the files."""
