# Extractors: one network per defense, and what it makes of every clean image.

PRETRAINED = [n for n, d in config["defenses"].items() if d["method"] == "pretrained"]
TRAINED = [n for n in config["defenses"] if n not in PRETRAINED]


rule draw_training_images:
    output:
        images=f"{TRAINING}/images.zip",
        labels=f"{TRAINING}/labels.parquet",
    log:
        f"{RESULTS}/logs/draw_training_images.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_training_images.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: 4
    resources:
        mem_mb=mb(PLAIN_MB, training_image=IMAGE_MB),
        runtime=minutes(120),
    params:
        code=code("draw_training_images.py"),
        categories=CLASSES,
        per_category=config["training_images"]["per_category"],
        image_size=SIDE,
        seed=config["training_images"]["seed"],
    shell:
        "draw_training_images.py --categories {params.categories:q}"
        " --per-category {params.per_category} --image-size {params.image_size}"
        " --seed {params.seed} --processes {threads} --images {output.images} --labels {output.labels} 2> {log}"


rule train_extractor:
    input:
        unpack(training_set),
        start=start,
    output:
        weights=f"{EXTRACTOR}.safetensors",
        training=f"{EXTRACTOR}.csv",
    log:
        f"{RESULTS}/logs/train_extractor/{{defense}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_extractor/{{defense}}.tsv"
    wildcard_constraints:
        defense=one_of(TRAINED),
    conda:
        "../envs/varbench.yaml"
    threads: lambda w: config["threads"]["extractor"] * processes(w)
    resources:
        mem_mb=training_mb,
        runtime=minutes(60, training_seconds),
        gpu=lambda w: GPU * processes(w),
        device=config["device"],
        torch_threads=config["threads"]["extractor"],
    params:
        code=code("train_extractor.py", "defense"),
        network=network(),
        defense=block("defense", "starts_from"),
        images=lambda w, input: TRAINING_FOLDER or input.images,
        options=training_options,
        start=lambda w, input: f"--start-from {input.start}" if input.start else "",
        seed=config["seed"],
    shell:
        "train_extractor.py --network {params.network:q}"
        " --defense {params.defense:q} {params.start}"
        " --seed {params.seed} --images {params.images:q} {params.options}"
        " --weights {output.weights} --log {output.training}"
        " --device {resources.device} --threads {resources.torch_threads} 2> {log}"


rule load_extractor:
    input:
        lambda w: config["defenses"][w.defense]["weights"],
    # Both rules have the same outputs: Snakemake looks for changes only where it knows all of them.
    output:
        weights=f"{EXTRACTOR}.safetensors",
        training=f"{EXTRACTOR}.csv",
    log:
        f"{RESULTS}/logs/load_extractor/{{defense}}.log",
    wildcard_constraints:
        defense=one_of(PRETRAINED),
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=mb(TORCH_MB),
        runtime=minutes(30),
    params:
        code=code("load_extractor.py"),
        network=network(),
    shell:
        "load_extractor.py --network {params.network:q}"
        " --checkpoint {input:q} --weights {output.weights} --log {output.training} 2> {log}"


rule extract_features:
    input:
        weights=f"{EXTRACTOR}.safetensors",
        images=f"{CATALOGUE}/images.zip",
    output:
        features=f"{FEATURES}/features.npy",
        classes=f"{FEATURES}/classes.parquet",
    log:
        f"{RESULTS}/logs/extract_features/{{catalogue}}/{{defense}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/extract_features/{{catalogue}}/{{defense}}.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["attack"]
    resources:
        mem_mb=EXTRACTION_MB,
        runtime=minutes(120),
        gpu=GPU,
        device=config["device"],
        torch_threads=config["threads"]["attack"],
    params:
        code=code("extract_features.py"),
        network=network(),
        batch_size=config["extractor"]["batch_size"],
    shell:
        "extract_features.py --network {params.network:q}"
        " --batch-size {params.batch_size} --weights {input.weights} --images {input.images}"
        " --features {output.features} --classes {output.classes}"
        " --device {resources.device} --threads {resources.torch_threads} 2> {log}"
