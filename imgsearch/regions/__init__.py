"""Parts of images that are searched as wholes are: which, what is kept of them, finding them."""
