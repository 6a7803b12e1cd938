"""Image to feature map: one network family a file, built by name through `registry`."""
