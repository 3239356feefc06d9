"""A decoder layer is an encoder layer with one attention and one norm more."""


def parameters(vocab_size: int, target_vocab_size: int, d_model: int, n_layers: int, d_ff: int, pre_norm: bool) -> int:
    attention = 4 * (d_model * d_model + d_model)
    network = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norm = 2 * d_model
    encoder_layer = attention + network + 2 * norm
    decoder_layer = encoder_layer + attention + norm
    ends = (vocab_size + 2 * target_vocab_size) * d_model + pre_norm * 2 * norm
    return n_layers * (encoder_layer + decoder_layer) + ends
