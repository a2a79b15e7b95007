"""Build the images of the jobs and the platform, and hand them to a kind cluster."""
