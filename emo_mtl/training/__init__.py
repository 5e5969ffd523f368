"""What guards a training, and what it leaves behind."""
