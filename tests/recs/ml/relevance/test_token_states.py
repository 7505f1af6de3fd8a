import numpy as np
import pytest
import torch

from recs.ml.relevance.token_states import encode_tokens, read_blocks, run_blocks
from recs.ml.text_encoder import TextEncoder, packaged_model_dir

TEXTS = ["", "red shoe", "Orbital Garden, a wheat farm on a space station", "日本映画 七人の侍"]


@pytest.fixture(scope="module")
def vectors():
    """Those of sentence-transformers, without bf16."""
    encoder = TextEncoder(packaged_model_dir())
    encoder.uses_bf16 = False
    return encoder.encode_documents(TEXTS)


def unit_means(states, is_token):
    means = (states * is_token.unsqueeze(-1)).sum(dim=1)
    return torch.nn.functional.normalize(means, dim=-1).detach().numpy()


@pytest.mark.parametrize("blocks", [0, 4, 6])
def test_lower_and_upper_blocks_together_are_the_packaged_encoder(vectors, blocks):
    tokens = encode_tokens(packaged_model_dir(), TEXTS, blocks=blocks, longest=64)
    states, is_token = tokens.padded(np.arange(len(TEXTS)))
    upper = read_blocks(packaged_model_dir(), first=blocks).eval()
    found = unit_means(run_blocks(upper, states, is_token), is_token)
    # The states between are halves.
    assert (found * vectors).sum(axis=1).min() > 0.9999


def test_padding_changes_nothing():
    tokens = encode_tokens(packaged_model_dir(), TEXTS, blocks=1, longest=64)
    upper = read_blocks(packaged_model_dir(), first=5).eval()
    together = run_blocks(upper, *tokens.padded(np.arange(len(TEXTS))))
    for row, length in enumerate(tokens.lengths.tolist()):
        alone = run_blocks(upper, *tokens.padded(np.array([row])))
        assert torch.allclose(together[row, :length], alone[0, :length], atol=1e-5)


def test_long_texts_are_cut():
    tokens = encode_tokens(packaged_model_dir(), ["red shoe " * 50], blocks=0, longest=12)
    assert tokens.lengths.tolist() == [12]
    assert tokens.states.dtype == np.float16


def test_dropout_is_there_in_training_alone():
    block = read_blocks(packaged_model_dir(), first=5, dropout=0.5)[0]
    states = torch.ones(1, 2, 384)
    is_token = torch.ones(1, 2, dtype=torch.bool)
    block.train()
    assert not torch.equal(*(run_blocks([block], states, is_token) for _ in range(2)))
    block.eval()
    assert torch.equal(*(run_blocks([block], states, is_token) for _ in range(2)))
