# What a person looks at: the page, its figures, the study with people.

PAGE = page_options(GRID, SET)
FOLDERS_OF_PAGE = folders("catalogue", "dataset", "attack", "cell", "training")
SHOWN = [
    f"{TABLES}/{table}.csv"
    for table in [*OF_THREATS, *OF_CELLS, "table2", "extractors", *COMPARISONS]
]
DRAWN = ["svg", "pdf", "png"]
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
COMPARED = expand(
    "{folder}/{file}", folder=PICTURED, file=["images.zip", "outcome.parquet", "distances.parquet"]
)
SEARCHES = at_all(f"{ATTACK}/search.parquet", GRID.crafted())
CLEAN_IMAGES = of_catalogues("images.zip", "items.parquet")


rule draw_figures:
    input:
        of_catalogues("items.parquet", "interactions.parquet"),
        at_all(f"{NETWORK}.csv", GRID.networks()),
        tables=SHOWN,
    output:
        reported(expand(f"{FIGURES}/{{figure}}.{{form}}", figure=PICTURES, form=DRAWN)),
    log:
        f"{LOGS}/draw_figures.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("draw_figures", page=PAGE, folders=FOLDERS_OF_PAGE, folder=FIGURES),
    shell:
        line("draw_figures")


rule draw_examples:
    input:
        CLEAN_IMAGES,
        f"{DATASET}/attacked.parquet",
        COMPARED,
        tables=SHOWN,
    output:
        reported(f"{FIGURES}/images_{{dataset}}.{form}" for form in DRAWN),
    log:
        f"{LOGS}/draw_examples/{{dataset}}.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told(
            "draw_examples",
            page=PAGE,
            folders=FOLDERS_OF_PAGE,
            folder=FIGURES,
            name=SET.name("dataset"),
        ),
    shell:
        line("draw_examples")


rule aggregate_costs:
    input:
        rules.render_tables.output,
        SEARCHES,
    output:
        costs=reported(f"{TABLES}/cost.csv"),
    log:
        f"{LOGS}/aggregate_costs.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("aggregate_costs", attacks=GRID.attacks, searches=SEARCHES, logs=LOGS),
    shell:
        line("aggregate_costs")


rule record_provenance:
    input:
        rules.render_tables.output,
        files=inputs.outside_files_there(GRID),
    output:
        provenance=f"{RESULTS}/provenance.json",
    log:
        f"{LOGS}/record_provenance.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("record_provenance", facts={"seed": config["seed"], "runs": config["runs"]}),
    shell:
        line("record_provenance")


rule make_page:
    input:
        CLEAN_IMAGES,
        of_datasets("attacked.parquet"),
        COMPARED,
        tables=[*SHOWN, rules.aggregate_costs.output.costs],
        provenance=rules.record_provenance.output.provenance,
    output:
        page=reported(f"{RESULTS}/report/index.html"),
    log:
        f"{LOGS}/make_page.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **NEEDS.at_most(NEEDS.tables, 60),
    params:
        **told("make_page", page={**PAGE, "configuration": shown(config)}, folders=FOLDERS_OF_PAGE),
        assets=ASSETS,
    shell:
        line("make_page")


rule make_study:
    input:
        CLEAN_IMAGES,
        of_datasets("attacked.parquet"),
        [f"{folder}/images.zip" for folder in PICTURED],
    output:
        study=f"{RESULTS}/study/index.html",
    log:
        f"{LOGS}/make_study.log",
    conda:
        "../envs/varbench.yaml"
    resources:
        **PLAIN,
    params:
        **told("make_study", page=PAGE, folders=FOLDERS_OF_PAGE),
        assets=ASSETS,
    shell:
        line("make_study")


rule study:
    input:
        rules.make_study.output,
    localrule: True
