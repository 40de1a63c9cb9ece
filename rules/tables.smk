# Tables: aggregations of the values per user, item and image of all cells. A command finds those by
# the pattern and the names that it is told; as inputs they have no name.

OF_THREATS = [suffixed("table1", threat) for threat in GRID.names["threat"]]
RENDERED = rendered(GRID.names["threat"])
TABLES_OF_CELLS = ["runs", "changes", "accuracy", "item_ranks", "promotion", "chr_by_k"]
FORMS = ["md", "tex", "html"]


rule aggregate_cells:
    input:
        files_of_cells(list(GRID.cells()), "users.parquet", "items.parquet", "lists.npy"),
        files_of_cells(GRID.baseline_cells(SET.baseline()), "users.parquet"),
        expand(
            f"{DATASET}/{{file}}.parquet",
            dataset=GRID.names["dataset"],
            file=["attacked", "references"],
        ),
        expand(
            f"{CATALOGUE}/{{file}}.parquet",
            catalogue=GRID.catalogues,
            file=["interactions", "items"],
        ),
        expand(f"{CATALOGUE}/summary.json", catalogue=GRID.catalogues),
        [f"{NETWORK}_accuracy.csv".format(**n) for n in GRID.measured_networks],
    output:
        **{name: reported(f"{TABLES}/{name}.csv") for name in TABLES_OF_CELLS},
        table1=expand(f"{TABLES}/{{table}}.csv", table=OF_THREATS),
    log:
        f"{LOGS}/aggregate_cells.log",
    benchmark:
        f"{BENCHMARKS}/aggregate_cells.tsv"
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.tables,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "aggregate_cells",
            grid=GRID.as_options(),
            folders={
                "cell": CELL,
                "dataset": DATASET,
                "catalogue": CATALOGUE,
                "network": NETWORK,
            },
            measured=GRID.measured_networks,
            metrics=SET.metrics_of_cells,
            baseline=SET.baseline(),
            seed=config["seed"],
        ),
    shell:
        line("aggregate_cells")


rule aggregate_images:
    input:
        [f"{ATTACK}/outcome.parquet".format(**a) for a in GRID.images(GRID.image_attacks)],
        [f"{ATTACK}/distances.parquet".format(**a) for a in GRID.crafted()],
        [f"{ATTACK}/indicators.json".format(**a) for a in GRID.examined()],
    output:
        table2=f"{TABLES}/table2.csv",
    log:
        f"{LOGS}/aggregate_images.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "aggregate_images",
            images=[
                {**a, "crafted": GRID.crafting(a), "clean": GRID.clean_features(a)}
                for a in GRID.images(GRID.image_attacks)
            ],
            attack=ATTACK,
            examined=GRID.examined(),
            transfers=GRID.transfers,
            metrics=SET.metrics_of_images,
        ),
    shell:
        line("aggregate_images")


rule aggregate_extractors:
    input:
        expand(f"{CATALOGUE}/items.parquet", catalogue=GRID.catalogues),
        [f"{FEATURES}/classes.parquet".format(**n) for n in GRID.features()],
        [f"{NETWORK}_accuracy.csv".format(**n) for n in GRID.measured_networks],
        class_names=class_file(config, BASE),
    output:
        extractors=reported(f"{TABLES}/extractors.csv"),
    log:
        f"{LOGS}/aggregate_extractors.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "aggregate_extractors",
            networks=list(GRID.features()),
            measured=GRID.measured_networks,
            folders={"catalogue": CATALOGUE, "features": FEATURES, "network": NETWORK},
        ),
    shell:
        line("aggregate_extractors")


rule render_tables:
    input:
        tables=expand(f"{TABLES}/{{table}}.csv", table=sorted({*RENDERED.values()})),
    output:
        reported(expand(f"{TABLES}/{{table}}.{{form}}", table=RENDERED, form=FORMS)),
    log:
        f"{LOGS}/render_tables.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "render_tables",
            style=config["tables"],
            attacks={name: config["attacks"][name] for name in GRID.names["attack"]},
            threats=GRID.names["threat"],
            clean=GRID.clean,
            controls=GRID.controls,
            metrics=config["metrics"],
            folder=TABLES,
        ),
    shell:
        line("render_tables")
