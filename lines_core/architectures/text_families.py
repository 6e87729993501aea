"""Names of language and speech models: encoders, decoders, and encoders with a decoder."""

from lines_core.architectures.naming import Family, Tower

_HEAD = (
    "(lm_head|score|classifier|qa_outputs|embed_out).*",
    "(pooler|pre_classifier|cls|classification_head).*",
    "(generator_|discriminator_|lm_|mask_)predictions.*",
    "(vocab_transform|vocab_layer_norm|vocab_projector|head|decoder|predictions).(weight|bias|dense.*|norm.*)",
)

BERT = Family(
    "bert",
    "BERT",
    (
        Tower(
            "text",
            "[bert.|roberta.|xlm_roberta.|camembert.|deberta.|electra.|mpnet.|esm.]",
            ("encoder.layer.{i}.*",),
            (
                "embeddings.(word_embeddings|position_embeddings|token_type_embeddings).weight",
                "embeddings.(LayerNorm|embed_proj).*",
                "embeddings_project.*",
                "encoder.(rel_embeddings|relative_attention_bias|conv|LayerNorm).*",
            ),
            ("encoder.emb_layer_norm_after.*", *_HEAD),
        ),
    ),
)
DISTILBERT = Family(
    "distilbert",
    "DistilBERT",
    (Tower("text", "[distilbert.]", ("transformer.layer.{i}.*",), ("embeddings.*",), _HEAD),),
)
MODERNBERT = Family(
    "modernbert",
    "ModernBERT",
    (
        Tower(
            "text",
            "[model.]",
            ("layers.{i}.*",),
            ("embeddings.(tok_embeddings|norm).*",),
            ("final_norm.*", *_HEAD),
        ),
    ),
)
LLAMA = Family(
    "llama",
    "LLaMA",
    (
        Tower(
            "text",
            "[model.]",
            ("layers.{i}.*",),
            ("embed_tokens.*",),
            ("(norm|final_layernorm).*", *_HEAD),
        ),
    ),
)
GPT2 = Family(
    "gpt2",
    "GPT-2",
    (
        Tower(
            "text",
            "[transformer.]",
            ("h.{i}.*",),
            ("(wte|word_embeddings).*", "(wpe|word_embeddings_layernorm).*"),
            ("ln_f.*", *_HEAD),
        ),
    ),
    unchanged=("[transformer.]h.{i}.attn.[attention.](bias|masked_bias)",),
)
MPT = Family(
    "mpt",
    "MPT",
    (Tower("text", "[transformer.]", ("blocks.{i}.*",), ("(wte|wpe).*",), ("norm_f.*", *_HEAD)),),
)
GPT_NEOX = Family(
    "gpt_neox",
    "GPT-NeoX",
    (
        Tower(
            "text",
            "[gpt_neox.]",
            ("layers.{i}.*",),
            ("embed_in.*",),
            ("final_layer_norm.*", *_HEAD),
        ),
    ),
    unchanged=("[gpt_neox.]layers.{i}.attention.(bias|masked_bias)",),
)
OPT = Family(
    "opt",
    "OPT",
    (
        Tower(
            "text",
            "[model.][decoder.]",
            ("layers.{i}.*",),
            ("(embed_tokens|embed_positions|project_in).*",),
            ("(final_layer_norm|project_out).*", *_HEAD),
        ),
    ),
)
T5 = Family(
    "t5",
    "T5",
    (
        Tower(
            "encoder",
            "[transformer.]",
            ("encoder.block.{i}.*",),
            ("shared.weight", "encoder.embed_tokens.weight"),
            ("encoder.final_layer_norm.*",),
        ),
        Tower(
            "decoder",
            "[transformer.]",
            ("decoder.block.{i}.*",),
            ("decoder.embed_tokens.weight",),
            ("decoder.final_layer_norm.*", "(lm_head|classification_head|classifier|qa_outputs).*"),
        ),
    ),
    default="decoder",
    serial=True,
)
BART = Family(
    "bart",
    "BART",
    (
        Tower(
            "encoder",
            "[model.]",
            ("encoder.layers.{i}.*",),
            ("shared.weight", "encoder.(embed_tokens|embed_positions|layernorm_embedding).*"),
            ("encoder.layer_norm.*",),
        ),
        Tower(
            "decoder",
            "[model.]",
            ("decoder.layers.{i}.*",),
            ("decoder.(embed_tokens|embed_positions|layernorm_embedding).*",),
            ("decoder.layer_norm.*", "(lm_head|classification_head|qa_outputs).*", "final_logits_bias"),
        ),
    ),
    serial=True,
)
WHISPER = Family(
    "whisper",
    "Whisper",
    (
        Tower(
            "encoder",
            "[model.]",
            ("encoder.layers.{i}.*",),
            ("encoder.(conv1|conv2|embed_positions).*",),
            ("encoder.layer_norm.*", "(projector|classifier).*", "layer_weights"),
        ),
        Tower(
            "decoder",
            "[model.]",
            ("decoder.layers.{i}.*",),
            ("decoder.(embed_tokens|embed_positions).*",),
            ("decoder.layer_norm.*", "proj_out.*"),
        ),
    ),
    serial=True,
)
WAV2VEC2 = Family(
    "wav2vec2",
    "wav2vec 2.0",
    (
        Tower(
            "encoder",
            "[wav2vec2.|hubert.|wavlm.|data2vec_audio.|unispeech.|unispeech_sat.|sew.]",
            ("encoder.layers.{i}.*",),
            (
                "masked_spec_embed",
                "(feature_extractor|feature_projection|encoder.pos_conv_embed).*",
                "encoder.layer_norm.*",
            ),
            ("(lm_head|projector|classifier|quantizer|project_hid|project_q).*", "layer_weights"),
        ),
    ),
)
ALBERT = Family(
    "albert",
    "ALBERT",
    (
        Tower(
            "text",
            "[albert.]",
            ("encoder.albert_layer_groups.{s}.albert_layers.{i}.*",),
            ("embeddings.*", "encoder.embedding_hidden_mapping_in.*"),
            ("(pooler|predictions|sop_classifier|classifier|qa_outputs).*",),
        ),
    ),
    refused="all its layers share one set of weights, which cannot have a factor of its own at each depth",
)
TEXT_FAMILIES = (
    BERT,
    DISTILBERT,
    LLAMA,
    MODERNBERT,
    GPT2,
    MPT,
    GPT_NEOX,
    OPT,
    T5,
    BART,
    WHISPER,
    WAV2VEC2,
    ALBERT,
)
