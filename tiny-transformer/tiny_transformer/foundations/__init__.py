"""The ladder: from counting pairs of letters to a small Llama, each rung lowering the same number.

Read in this order: names, bigram, micrograd, skip_bigram, fit, ngram_mlp, attention, gpt, llama, ladder. Beside the
ladder stand gpt_load and gpt_bpe, which open the official GPT-2, and grammar, which invented the sample's names.
"""
