"""Pictures: test images by what became of them, and a visitor's own."""
