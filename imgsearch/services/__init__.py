"""Search services: engines elsewhere that hold what is searched, behind one protocol."""
