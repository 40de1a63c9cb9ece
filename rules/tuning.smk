# The target `tune`: parameters of recommenders tried on the clean catalogues, as the first run's
# undefended network sees them, and judged by interactions that are taken from training.

TUNED = f"{TABLES}/tuning/{{catalogue}}/{{recommender}}.csv"


rule tune_recommender:
    input:
        interactions=at(f"{CATALOGUE}/interactions.parquet", GRID.catalogue_of),
        clean_features=at(f"{FEATURES}/features.npy", GRID.undefended),
    output:
        trials=TUNED,
    log:
        f"{LOGS}/tune_recommender/{{catalogue}}/{{recommender}}.log",
    benchmark:
        f"{BENCHMARKS}/tune_recommender/{{catalogue}}/{{recommender}}.tsv"
    conda:
        "../envs/varbench.yaml"
    threads: config["threads"]["recommender"]
    resources:
        **on_device("recommender"),
        **NEEDS.at_most(NEEDS.recommender, 60, NEEDS.tuning_seconds),
    params:
        **told("tune_recommender", SET.tuning, kind="recommender"),
    shell:
        line("tune_recommender", computes=True)


rule tune:
    input:
        expand(
            TUNED,
            catalogue=GRID.catalogues,
            recommender=config["tuning"]["recommenders"] or GRID.names["recommender"],
        ),
    localrule: True
