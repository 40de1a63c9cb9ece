"""Items, images and interactions: where they come from and how they are prepared."""
