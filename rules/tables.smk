# Tables: aggregations of the values per user, item and image of all cells. A command finds those by
# the pattern and the names that it is told; as inputs they have no name.

TABLE1 = {
    "poisoning": "table1",
    "evasion": "table1_evasion",
    "cold_start": "table1_cold_start",
}
OF_THREATS = [TABLE1[threat] for threat in GRID.names["threat"]]
FORMS = ["md", "tex", "html"]
CELL_FILES = every_repeat(f"{CELL}/{{file}}")


rule aggregate_cells:
    input:
        [
            path.format(**c, file="users.parquet")
            for c in GRID.cells()
            for path in CELL_FILES
        ],
        [
            path.format(**c, file="items.parquet")
            for c in GRID.cells()
            for path in CELL_FILES
        ],
        [
            path.format(**c, file="lists.npy")
            for c in GRID.cells()
            for path in CELL_FILES
        ],
        [
            path.format(**c, file="users.parquet")
            for c in GRID.baseline_cells(SET.baseline_defense())
            for path in CELL_FILES
        ],
        expand(f"{DATASET}/attacked.parquet", dataset=GRID.names["dataset"]),
        expand(f"{DATASET}/references.parquet", dataset=GRID.names["dataset"]),
        expand(f"{CATALOGUE}/interactions.parquet", catalogue=GRID.catalogues),
        expand(f"{CATALOGUE}/items.parquet", catalogue=GRID.catalogues),
    output:
        table1=expand(f"{TABLES}/{{table}}.csv", table=OF_THREATS),
        runs=f"{TABLES}/runs.csv",
        changes=f"{TABLES}/changes.csv",
        accuracy=f"{TABLES}/accuracy.csv",
        item_ranks=f"{TABLES}/item_ranks.csv",
        promotion=f"{TABLES}/promotion.csv",
        chr_by_k=f"{TABLES}/chr_by_k.csv",
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
        code=code("aggregate_cells"),
        options=options(
            names=GRID.names,
            clean=GRID.clean,
            catalogues=GRID.catalogue_by_dataset,
            controls=GRID.controls,
            cell=CELL,
            dataset=DATASET,
            catalogue=CATALOGUE,
            metrics=SET.metrics_of_cells,
            baseline=SET.baseline_defense(),
            seed=config["seed"],
        ),
        files=files,
    shell:
        line("aggregate_cells")


rule aggregate_images:
    input:
        [
            f"{ATTACK}/outcome.parquet".format(**a)
            for a in GRID.images(GRID.image_attacks)
        ],
        [f"{ATTACK}/distances.parquet".format(**a) for a in GRID.crafted()],
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
        code=code("aggregate_images"),
        options=options(
            images=[
                {**a, "crafted": GRID.crafting(a), "clean": GRID.clean_features(a)}
                for a in GRID.images(GRID.image_attacks)
            ],
            attack=ATTACK,
            metrics=SET.metrics_of_images,
        ),
        files=files,
    shell:
        line("aggregate_images")


rule aggregate_extractors:
    input:
        expand(f"{CATALOGUE}/items.parquet", catalogue=GRID.catalogues),
        [f"{FEATURES}/classes.parquet".format(**n) for n in GRID.features()],
        class_names=class_file(config, BASE),
    output:
        extractors=f"{TABLES}/extractors.csv",
    log:
        f"{LOGS}/aggregate_extractors.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        code=code("aggregate_extractors"),
        options=options(
            networks=list(GRID.features()), catalogue=CATALOGUE, features=FEATURES
        ),
        files=files,
    shell:
        line("aggregate_extractors")


rule render_tables:
    input:
        table1=rules.aggregate_cells.output.table1,
        changes=rules.aggregate_cells.output.changes,
        accuracy=rules.aggregate_cells.output.accuracy,
        promotion=rules.aggregate_cells.output.promotion,
        table2=rules.aggregate_images.output.table2,
    output:
        expand(
            f"{TABLES}/{{table}}.{{form}}",
            table=[*OF_THREATS, "table2", "accuracy", "promotion"],
            form=FORMS,
        ),
    log:
        f"{LOGS}/render_tables.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        code=code("render_tables"),
        options=options(
            style=config["tables"],
            attacks={name: config["attacks"][name] for name in GRID.names["attack"]},
            threats=GRID.names["threat"],
            clean=GRID.clean,
            controls=GRID.controls,
            metrics=config["metrics"],
            folder=TABLES,
        ),
        files=files,
    shell:
        line("render_tables")
