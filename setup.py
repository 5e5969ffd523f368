"""Packaging of emo-mtl; ruff and pytest are configured in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

EVAL = ["nltk>=3.8.1", "scikit-learn", "scipy"]
HUMAN_EVAL = ["krippendorff>=0.8"]
REPORT = ["matplotlib"]
TENSORBOARD = ["tensorboardX"]
DEMO = ["gradio>=6"]
HF = [
    # transformers 5 takes no torch < 2.6, which is all that fairseq 0.12.2 is used with
    'transformers>=4.57,<5; python_version < "3.11"',
    'transformers>=4.57; python_version >= "3.11"',
    "safetensors",
]
BENCH = [*HF, "ctranslate2", "psutil"]
SOAK = ["matplotlib", "psutil"]
DOCS = ["mkdocs-material", "mkdocstrings[python]"]

setup(
    name="emo-mtl",
    version="0.1.0",
    description="Multi-task BART for emotion-aware dialogue: a fairseq plugin",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="emo_mtl developers",
    license="MIT",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
    packages=find_packages(include=["emo_mtl", "emo_mtl.*"]),
    package_data={"emo_mtl": ["py.typed"]},
    python_requires=">=3.10,<3.14",
    install_requires=[
        # fairseq 0.12.2 cannot be imported on Python 3.11; fairseq-fixed is its later main
        # branch, made importable there. Both install the package `fairseq`.
        'fairseq>=0.12.2; python_version < "3.11"',
        'fairseq-fixed>=0.12.3.1; python_version >= "3.11"',
        # 2.4: loads fairseq's checkpoints with weights_only
        "torch>=2.4",
        'numpy<2; python_version < "3.11"',
        'numpy; python_version >= "3.11"',
        "sacrebleu",
        "sentencepiece",
    ],
    extras_require={
        "eval": EVAL,  # `emo-mtl evaluate` with the paper's words, `baselines`, `awareness`, `significance`
        "human-eval": HUMAN_EVAL,  # agreement of raters: `emo-mtl human-eval score`; GPL
        "report": REPORT,  # the plots of `emo-mtl report`
        "tensorboard": TENSORBOARD,  # fairseq's --tensorboard-logdir
        "demo": DEMO,  # the page of `emo-mtl demo`
        "hf": HF,  # Hugging Face: `emo-mtl import-hf`, `emo-mtl export-hf`
        "bench": BENCH,  # benchmarks/: libraries to compare with
        "soak": SOAK,  # tests/soak: memory of a long training
        "docs": DOCS,  # `make docs`, which needs nothing else of this package
        "dev": [
            *EVAL,
            *HUMAN_EVAL,
            *REPORT,
            *TENSORBOARD,
            *DEMO,
            *BENCH,
            "hypothesis",
            "playwright",
            "pytest",
            "pytest-xdist",
            "ruff",
        ],
    },
    entry_points={"console_scripts": ["emo-mtl = emo_mtl.cli.main:main"]},
)
