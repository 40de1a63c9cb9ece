# Recommenders and their rankings: a job trains, or ranks with, all runs and seeds of a cell, each
# with its own files. What such a job finds of its own from before it does not compute again.

TRAINED_FILES = {
    "model": "model.safetensors",
    "halfway": "halfway.safetensors",
    "training_log": "training.csv",
    "digest": "digest.txt",
}


rule train_recommender:
    input:
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.catalogue_of),
        clean_features=at_each(f"{FEATURES}/features.npy", GRID.repeats, GRID.rest_features),
        attacked=at(f"{DATASET}/attacked.parquet", GRID.attacked_in_training),
        attacked_features=at_each(f"{ATTACK}/attacked_features.npy", GRID.repeats, GRID.ranked_with),
        start=at_each(f"{MODEL}/halfway.safetensors", GRID.repeats, GRID.halfway),
    output:
        **{name: update(every_repeat(f"{MODEL}/{file}")) for name, file in TRAINED_FILES.items()},
    log:
        f"{LOGS}/train_recommender/{IN_ROW}.log",
    benchmark:
        f"{BENCHMARKS}/train_recommender/{IN_ROW}.tsv"
    wildcard_constraints:
        threat="poisoning|cold_start",
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["recommender"]
    resources:
        **on_device("recommender"),
        **NEEDS.at_most(NEEDS.recommender, 30, NEEDS.recommender_seconds),
    params:
        **told("train_recommender", SET.training, kind="recommender"),
    shell:
        line("train_recommender", computes=True)


use rule train_recommender as train_guide with:
    input:
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.catalogue_of),
        clean_features=at(f"{FEATURES}/features.npy", GRID.clean_features),
    output:
        **{name: update(f"{GUIDE}/{file}") for name, file in TRAINED_FILES.items()},
    log:
        f"{LOGS}/train_guide/{IN_GUIDE}.log",
    benchmark:
        f"{BENCHMARKS}/train_guide/{IN_GUIDE}.tsv"
    params:
        **told("train_recommender", SET.guide_training, kind="recommender"),


rule evaluate_cell:
    input:
        model=at_each(f"{MODEL}/model.safetensors", GRID.repeats, GRID.training),
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.catalogue_of),
        clean_features=at_each(f"{FEATURES}/features.npy", GRID.repeats, GRID.rest_features),
        predicted_classes=at_each(f"{FEATURES}/classes.parquet", GRID.repeats, GRID.clean_features),
        attacked=f"{DATASET}/attacked.parquet",
        attacked_features=at_each(f"{ATTACK}/attacked_features.npy", GRID.repeats, GRID.ranked_with),
    output:
        per_user=update(every_repeat(f"{CELL}/users.parquet")),
        per_item=update(every_repeat(f"{CELL}/items.parquet")),
        lists=update(every_repeat(f"{CELL}/lists.npy")),
        digest=update(every_repeat(f"{CELL}/digest.txt")),
    log:
        f"{LOGS}/evaluate_cell/{IN_ROW}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_cell/{IN_ROW}.tsv"
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.ranking, 10 * len(GRID.repeats)),
    params:
        **told("evaluate_cell", SET.ranking),
    shell:
        line("evaluate_cell")


rule rank_references:
    input:
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.catalogue_of),
        item_ids=at(f"{CATALOGUE}/items.parquet", GRID.catalogue_of),
    output:
        references=f"{DATASET}/references.parquet",
    log:
        f"{LOGS}/rank_references/{{dataset}}.log",
    priority: 100  # the first to see that lists cannot be so long
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.ranking, 30),
    params:
        **told("rank_references", k=config["metrics"]["k"], seed=config["seed"]),
    shell:
        line("rank_references")
