"""Compare with a model that is really built."""

from types import ModuleType

from tiny_shared.exercises import expect

from tiny_transformer.model import Transformer, TransformerConfig


def check(answer: ModuleType) -> None:
    shapes = [(10, 10, 4, 1, 4), (20, 9, 8, 1, 16), (7, 30, 8, 3, 12), (5, 5, 16, 2, 3)]
    for vocab_size, target_vocab_size, d_model, n_layers, d_ff in shapes:
        for pre_norm in (False, True):
            config = TransformerConfig(vocab_size, target_vocab_size, d_model, 2, n_layers, d_ff, pre_norm=pre_norm)
            arguments = (vocab_size, target_vocab_size, d_model, n_layers, d_ff, pre_norm)
            wanted = sum(parameter.numel() for parameter in Transformer(config).parameters())
            expect(f"parameters{arguments}", answer.parameters(*arguments), wanted)
