# One cell of the grid: a recommender trained on a poisoned catalogue, its lists, its metrics.


rule train_recommender:
    input:
        interactions=of_dataset(f"{CATALOGUE}/interactions.parquet"),
        clean=rest_features,
        poison=attacked_features,
        start=halfway,
    output:
        model=f"{CELL}/model.safetensors",
        training=f"{CELL}/training.csv",
        halfway=f"{CELL}/halfway.safetensors",
    log:
        f"{RESULTS}/logs/train_recommender/{IN_CELL}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_recommender/{IN_CELL}.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["recommender"]
    resources:
        mem_mb=RECOMMENDER_MB,
        runtime=minutes(30, recommender_seconds),
        gpu=GPU,
        device=config["device"],
        torch_threads=config["threads"]["recommender"],
    params:
        code=code("train_recommender.py", "recommender"),
        recommender=block("recommender", "starts_from", "rest_features"),
        poison=poison_options,
        start=lambda w, input: f"--start {input.start}" if input.start else "",
    shell:
        "train_recommender.py --recommender {params.recommender:q} --seed {wildcards.seed}"
        " --interactions {input.interactions} --clean {input.clean} {params.poison}"
        " {params.start} --halfway {output.halfway}"
        " --model {output.model} --log {output.training}"
        " --device {resources.device} --threads {resources.torch_threads} 2> {log}"


# All seeds of a cell in one job: starting it takes longer than ranking once.
rule evaluate_cell:
    input:
        models=every_seed("model.safetensors"),
        interactions=of_dataset(f"{CATALOGUE}/interactions.parquet"),
        attacked=f"{DATASET}/attacked.parquet",
        classes=of_dataset(f"{FEATURES}/classes.parquet"),
    output:
        per_user=every_seed("users.parquet"),
        per_item=every_seed("items.parquet"),
        lists=every_seed("lists.npy"),
        ranks=every_seed("ranks.npy"),
    log:
        f"{RESULTS}/logs/evaluate_cell/{OF_SEEDS}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_cell/{OF_SEEDS}.tsv"
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=RANKING_MB,
        runtime=minutes(10 * len(config["seeds"])),
    params:
        code=code("evaluate_cell.py"),
        length=config["metrics"]["list_length"],
        k=config["metrics"]["k"],
        source=category("source"),
    shell:
        "evaluate_cell.py --length {params.length} --k {params.k}"
        " --source-class {params.source} --models {input.models}"
        " --interactions {input.interactions} --attacked {input.attacked}"
        " --classes {input.classes} --lists {output.lists} --ranks {output.ranks}"
        " --users {output.per_user} --items {output.per_item} 2> {log}"


rule rank_references:
    input:
        interactions=of_dataset(f"{CATALOGUE}/interactions.parquet"),
        item_ids=of_dataset(f"{CATALOGUE}/items.parquet"),
    output:
        f"{DATASET}/references.parquet",
    log:
        f"{RESULTS}/logs/rank_references/{{dataset}}.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=RANKING_MB,
        runtime=minutes(30),
    params:
        code=code("rank_references.py"),
        k=config["metrics"]["k"],
        seed=config["seed"],
    shell:
        "rank_references.py --k {params.k} --seed {params.seed}"
        " --interactions {input.interactions} --items {input.item_ids} --output {output} 2> {log}"
