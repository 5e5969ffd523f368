"""`emo-mtl report`: run folders, training logs, tables and plots."""
