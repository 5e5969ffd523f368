"""A trained model at work: loading it, its BPE, typed text, conversations."""
