"""Every picture as a point in two dimensions: the layout, its groups and its cache."""
