# Extractors: the networks of each defense, and what they make of every clean image.

PRETRAINED = [name for name in config["defenses"] if GRID.pretrained(name)]
TRAINED = [name for name in config["defenses"] if not GRID.pretrained(name)]
TRAINING_SET = inputs.training_set(GRID, TRAINING, CATALOGUE, FEATURES)


rule draw_training_images:
    output:
        image_archive=f"{TRAINING}/images.zip",
        labels=f"{TRAINING}/labels.parquet",
    log:
        f"{LOGS}/draw_training_images.log",
    benchmark:
        f"{BENCHMARKS}/draw_training_images.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: 4
    resources:
        **NEEDS.at_most(NEEDS.drawing, 120),
    params:
        **told(
            "draw_training_images",
            categories=SET.classes,
            per_category=config["training_images"]["per_category"],
            image_size=SET.side,
            seed=config["training_images"]["seed"],
        ),
    shell:
        line("draw_training_images", processes=True)


rule train_extractor:
    input:
        unpack(TRAINING_SET),
        start=at(f"{NETWORK}.safetensors", GRID.start),
    output:
        weights=f"{NETWORK}.safetensors",
        training_log=f"{NETWORK}.csv",
    log:
        f"{LOGS}/train_extractor/{IN_NETWORK}.log",
    benchmark:
        f"{BENCHMARKS}/train_extractor/{IN_NETWORK}.tsv"
    wildcard_constraints:
        defense=one_of(TRAINED),
        run=r"\d+",
    conda:
        "../envs/varbench.yaml"
    threads: lambda w: config["threads"]["extractor"] * NEEDS.processes(w)
    resources:
        **on_device("extractor", gpus=lambda w: GPU * NEEDS.processes(w)),
        **NEEDS.at_most(NEEDS.training_mb, 60, NEEDS.training_seconds),
    params:
        **told("train_extractor", SET.network_training, kind="defense"),
    shell:
        line("train_extractor", computes=True)


rule load_extractor:
    input:
        checkpoint=lambda w: config["defenses"][w.defense]["weights"],
    # Both rules have the same outputs: Snakemake looks for changes only where it knows all of them.
    output:
        weights=f"{NETWORK}.safetensors",
        training_log=f"{NETWORK}.csv",
    log:
        f"{LOGS}/load_extractor/{IN_NETWORK}.log",
    wildcard_constraints:
        defense=one_of(PRETRAINED),
        run="shared",
    priority: 100  # the first to see that a file does not fit
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.torch, 30),
    params:
        **told("load_extractor", SET.network_loading),
    shell:
        line("load_extractor")


# On images that no training here saw.
rule measure_extractor:
    input:
        unpack(TRAINING_SET),
        weights=f"{NETWORK}.safetensors",
        undefended=at(f"{NETWORK}.safetensors", GRID.undefended_network),
    output:
        accuracy=f"{NETWORK}_accuracy.csv",
    log:
        f"{LOGS}/measure_extractor/{IN_NETWORK}.log",
    benchmark:
        f"{BENCHMARKS}/measure_extractor/{IN_NETWORK}.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        **on_device("attack"),
        **NEEDS.at_most(NEEDS.robustness, 60, NEEDS.robustness_seconds),
    params:
        **told("measure_extractor", SET.network_measuring),
    shell:
        line("measure_extractor", computes=True)


rule extract_features:
    input:
        weights=f"{NETWORK}.safetensors",
        image_archive=f"{CATALOGUE}/images.zip",
    output:
        features=f"{FEATURES}/features.npy",
        predicted_classes=f"{FEATURES}/classes.parquet",
    log:
        f"{LOGS}/extract_features/{IN_FEATURES}.log",
    benchmark:
        f"{BENCHMARKS}/extract_features/{IN_FEATURES}.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        **on_device("attack"),
        **NEEDS.at_most(NEEDS.extraction, 120),
    params:
        **told("extract_features", network=SET.network, batch_size=SET.batch_size),
    shell:
        line("extract_features", computes=True)
