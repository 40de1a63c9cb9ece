# Tables: aggregations of the values per user, item and image of all cells. A command finds those by
# the pattern and the names that it is told; as inputs they have no name.

OF_THREATS = [suffixed("table1", threat) for threat in GRID.names["threat"]]
RENDERED = rendered(GRID.names["threat"])
FOLDERS_OF_CELLS = folders("cell", "dataset", "catalogue", "network")
FORMS = ["md", "tex", "html"]


rule aggregate_cells:
    input:
        files_of_cells(GRID.cells(), "users.parquet", "items.parquet", "lists.npy"),
        files_of_cells(GRID.baseline_cells(SET.baseline()), "users.parquet"),
        of_datasets("attacked.parquet", "references.parquet"),
        of_catalogues("interactions.parquet", "items.parquet", "summary.json"),
        at_all(f"{NETWORK}_accuracy.csv", GRID.measured_networks),
    output:
        **{name: reported(f"{TABLES}/{name}.csv") for name in OF_CELLS},
        table1=expand(f"{TABLES}/{{table}}.csv", table=OF_THREATS),
    log:
        f"{LOGS}/aggregate_cells.log",
    benchmark:
        f"{BENCHMARKS}/aggregate_cells.tsv"
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.tables, 30),
    params:
        **told("aggregate_cells", folders=FOLDERS_OF_CELLS, **SET.cells_table),
    shell:
        line("aggregate_cells")


rule aggregate_images:
    input:
        at_all(f"{ATTACK}/outcome.parquet", GRID.images(GRID.image_attacks)),
        at_all(f"{ATTACK}/distances.parquet", GRID.crafted()),
        at_all(f"{ATTACK}/indicators.json", GRID.examined()),
    output:
        table2=f"{TABLES}/table2.csv",
    log:
        f"{LOGS}/aggregate_images.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("aggregate_images", attack=ATTACK, **SET.images_table),
    shell:
        line("aggregate_images")


rule aggregate_extractors:
    input:
        of_catalogues("items.parquet"),
        at_all(f"{FEATURES}/classes.parquet", GRID.features()),
        at_all(f"{NETWORK}_accuracy.csv", GRID.measured_networks),
        class_names=class_file(config, BASE),
    output:
        extractors=reported(f"{TABLES}/extractors.csv"),
    log:
        f"{LOGS}/aggregate_extractors.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told(
            "aggregate_extractors",
            networks=list(GRID.features()),
            measured=GRID.measured_networks,
            folders=folders("catalogue", "features", "network"),
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
        **PLAIN,
    params:
        **told(
            "render_tables",
            threats=GRID.names["threat"],
            controls=GRID.controls,
            metrics=config["metrics"],
            folder=TABLES,
            **SET.rendering,
        ),
    shell:
        line("render_tables")
