# What a person looks at: the page, its figures, the study with people.

PAGE = page_options(GRID, SET)
FOLDERS = {
    "catalogue": CATALOGUE,
    "dataset": DATASET,
    "attack": ATTACK,
    "cell": CELL,
    "training": f"{NETWORK}.csv",
}
SHOWN = [
    f"{TABLES}/{table}.csv"
    for table in [*OF_THREATS, *TABLES_OF_CELLS, "table2", "extractors", *COMPARISONS]
]
# What the page is made with, beside modules: templates, styles, scripts.
ASSETS = content(
    path
    for path in sorted((BASE / "src" / "varbench" / "reporting").rglob("*.*"))
    if path.is_file() and path.suffix not in (".py", ".pyc")
)
# Of the run that is shown.
PICTURED = [
    ATTACK.format(dataset=dataset, defense=defense, attack=attack, run=run)
    for dataset in GRID.names["dataset"]
    for defense, runs in PAGE["attack_run"].items()
    for attack, run in runs.items()
]
CLEAN_IMAGES = expand(
    f"{CATALOGUE}/{{file}}", catalogue=GRID.catalogues, file=["images.zip", "items.parquet"]
)


rule draw_figures:
    input:
        expand(
            f"{CATALOGUE}/{{file}}.parquet",
            catalogue=GRID.catalogues,
            file=["items", "interactions"],
        ),
        [f"{NETWORK}.csv".format(**network) for network in GRID.networks()],
        tables=SHOWN,
    output:
        reported(expand(f"{FIGURES}/{{f}}.{{form}}", f=PICTURES, form=["svg", "pdf", "png"])),
    log:
        f"{LOGS}/draw_figures.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told("draw_figures", page=PAGE, folders=FOLDERS, folder=FIGURES),
    shell:
        line("draw_figures")


rule draw_examples:
    input:
        CLEAN_IMAGES,
        f"{DATASET}/attacked.parquet",
        [
            f"{folder}/{file}"
            for folder in PICTURED
            for file in ("images.zip", "outcome.parquet", "distances.parquet")
        ],
        tables=SHOWN,
    output:
        reported(f"{FIGURES}/images_{{dataset}}.{form}" for form in ["svg", "pdf", "png"]),
    log:
        f"{LOGS}/draw_examples/{{dataset}}.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "draw_examples", page=PAGE, folders=FOLDERS, folder=FIGURES, name=SET.name("dataset")
        ),
    shell:
        line("draw_examples")


rule aggregate_costs:
    input:
        rules.render_tables.output,
        [f"{ATTACK}/search.parquet".format(**names) for names in GRID.crafted()],
    output:
        costs=reported(f"{TABLES}/cost.csv"),
    log:
        f"{LOGS}/aggregate_costs.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told(
            "aggregate_costs",
            attacks=GRID.attacks,
            searches=[f"{ATTACK}/search.parquet".format(**names) for names in GRID.crafted()],
            logs=LOGS,
        ),
    shell:
        line("aggregate_costs")


rule record_provenance:
    input:
        rules.render_tables.output,
        files=SET.outside_files_there(),
    output:
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"{LOGS}/record_provenance.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told("record_provenance", facts={"seed": config["seed"], "runs": config["runs"]}),
    shell:
        line("record_provenance")


rule make_page:
    input:
        CLEAN_IMAGES,
        expand(f"{DATASET}/attacked.parquet", dataset=GRID.names["dataset"]),
        [
            f"{folder}/{file}"
            for folder in PICTURED
            for file in ("images.zip", "outcome.parquet", "distances.parquet")
        ],
        tables=[*SHOWN, rules.aggregate_costs.output.costs],
        provenance=rules.record_provenance.output.provenance,
    output:
        page=reported(f"{RESULTS}/report/index.html"),
    log:
        f"{LOGS}/make_page.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.tables,
        runtime=NEEDS.minutes(60),
    params:
        **told(
            "make_page",
            page={**PAGE, "configuration": shown(config)},
            folders=FOLDERS,
        ),
        assets=ASSETS,
    shell:
        line("make_page")


rule make_study:
    input:
        CLEAN_IMAGES,
        expand(f"{DATASET}/attacked.parquet", dataset=GRID.names["dataset"]),
        [f"{folder}/images.zip" for folder in PICTURED],
    output:
        study=f"{RESULTS}/study/index.html",
    log:
        f"{LOGS}/make_study.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        mem_mb=NEEDS.plain,
        runtime=NEEDS.minutes(30),
    params:
        **told("make_study", page=PAGE, folders=FOLDERS),
        assets=ASSETS,
    shell:
        line("make_study")


rule study:
    input:
        rules.make_study.output,
    localrule: True
