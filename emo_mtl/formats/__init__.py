"""Text that people and programs read: JSON, Markdown, CSV and TSV."""
