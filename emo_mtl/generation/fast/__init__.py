"""The beam search that gives fairseq's hypotheses sooner."""
