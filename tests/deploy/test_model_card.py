"""The model card says everything, or is not written."""

import dataclasses

import pytest

from keras_reparam.deploy import ModelCard, write_model_card

CARD = ModelCard(
    name="SER",
    summary="Four emotions.",
    intended_use="Demonstration.",
    limits=["German alone.", "Ten speakers."],
    data="EmoDB, CC0.",
    protocol="Two speakers held out.",
    architecture="ConvTransformer.",
    kinds=["float32", "int8"],
    labels=["anger", "joy"],
    sample_rate=16000,
    window=64000,
    metrics=[{"variant": "float32", "UA": "71 %"}, {"variant": "int8", "UA": "70 | 71 %"}],
    measured_on="a CPU",
    license="Apache-2.0",
    made_by="python -m recipes.quickstart --install",
    header={
        "license": "apache-2.0",
        "language": ["de"],
        "model-index": [
            {
                "name": "SER: four classes",
                "results": [
                    {
                        "task": {"type": "audio-classification"},
                        "dataset": {"type": "emodb", "name": 'EmoDB, "held out"'},
                        "metrics": [{"type": "recall", "value": 70.5}],
                    }
                ],
            }
        ],
    },
)


def test_content(tmp_path):
    path = write_model_card(tmp_path / "MODEL_CARD.md", CARD)
    text = path.read_text()
    assert text.startswith("---\nlibrary_name: ") and "\n---\n\n# SER\n" in text
    for part in (
        "## Intended use\nDemonstration.",
        "- German alone.\n- Ten speakers.",
        "| variant | UA |\n| --- | --- |\n| float32 | 71 % |\n| int8 | 70 \\| 71 % |",
        "## Quantization kinds\n- `float32`: Weights",
        "- `int8`: Weights int8",
        "16000 Hz (4 s)",
        "anger, joy, in this order",
        "## License\nApache-2.0",
        "    python -m recipes.quickstart --install",
    ):
        assert part in text


def test_hugging_face_reads_the_header():
    from huggingface_hub import ModelCard as HubCard

    found = HubCard(CARD.markdown()).data
    assert (found.license, found.language, found.library_name) == (
        "apache-2.0",
        ["de"],
        "keras-reparam",
    )
    assert "speech-emotion-recognition" in found.tags
    (result,) = found.eval_results
    assert (found.model_name, result.dataset_name) == ("SER: four classes", 'EmoDB, "held out"')
    assert (result.metric_type, result.metric_value) == ("recall", 70.5)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ModelCard)])
def test_nothing_may_be_missing(field):
    with pytest.raises(ValueError, match=f"`{field}`"):
        dataclasses.replace(CARD, **{field: type(getattr(CARD, field))()})


def test_kinds_have_their_names():
    with pytest.raises(ValueError, match=r"`kinds`.*int8_dynamic.*'int4'"):
        dataclasses.replace(CARD, kinds=["int8", "int4"])


def test_rows_have_the_same_columns(tmp_path):
    with pytest.raises(ValueError, match="columns"):
        dataclasses.replace(CARD, metrics=[{"a": "1"}, {"b": "2"}])
    with pytest.raises(ValueError, match=r"\.md"):
        write_model_card(tmp_path / "card.txt", CARD)
