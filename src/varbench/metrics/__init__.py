"""What is measured: category hit ratio, accuracy, visual change, statistics."""
