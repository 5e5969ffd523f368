"""From and to transformers: weights, tokenizers, model cards."""
